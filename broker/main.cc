// SPDX-License-Identifier: LGPL-2.1-or-later
// main.cc: ntpiped: options, the socket, going into the background, signals.
#include "broker.hpp"
#include "glue/uninterrupted.hpp"
#include "limits.hpp"
#include "sandbox.hpp"

#include "session/directory.hpp"

#include <fcntl.h>
#include <grp.h>
#include <popt.h>
#include <pwd.h>
#include <signal.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <utility>

namespace ntpipe::broker {
namespace {

constexpr int exit_usage = 2;
constexpr std::uint64_t second = 1'000'000'000;
constexpr int backlog = 512;

struct Options {
    BrokerOptions broker;
    bool system = false;
    bool on_demand = false;
    std::string log_level = "info";
    std::string configuration; ///< path; empty: none
    std::string state;         ///< directory of registry and lock
    std::string user;          ///< to become; empty: stay
    bool seccomp = true;
};

/// What keeps the directory ours for as long as the broker lives.
struct Place {
    glue::UniqueFd lock;
    glue::UniqueFd listener;
    bool made_socket = false; ///< else it is systemd's
};

/// A string that popt has allocated for us; empty if the option was not given.
std::string taken(char*& text)
{
    const std::unique_ptr<char, decltype(&std::free)> owned(std::exchange(text, nullptr), &std::free);
    return owned ? std::string(owned.get()) : std::string();
}

std::optional<std::uint32_t> group_of(const std::string& name)
{
    if (const group* found = ::getgrnam(name.c_str())) {
        return found->gr_gid;
    }
    std::cerr << "ntpiped: there is no group '" << name << "'\n";
    std::exit(exit_usage);
}

// "lsass=netlogon,lsarpc,samr"
void add_aliases(std::vector<space::Alias>& aliases, const std::string& text)
{
    const std::size_t equals = text.find('=');
    const auto real = name::parse(text.substr(0, equals));
    std::istringstream list(equals == std::string::npos ? "" : text.substr(equals + 1));
    std::size_t added = 0;
    for (std::string word; std::getline(list, word, ',');) {
        const auto alias = name::parse(word);
        if (!real || !alias) {
            added = 0;
            break;
        }
        aliases.push_back({*alias, *real});
        ++added;
    }
    if (added == 0) {
        std::cerr << "ntpiped: --alias wants NAME=ALIAS[,ALIAS...], not '" << text << "'\n";
        std::exit(exit_usage);
    }
}

Options parse_options(int argc, const char** argv)
{
    Options options;
    char* directory = nullptr;
    char* log_level = nullptr;
    char* configuration = nullptr;
    char* state = nullptr;
    char* user = nullptr;
    int no_seccomp = 0;
    char* reserved = nullptr;
    char* alias = nullptr;
    char* trusted = nullptr;
    char* global = nullptr;
    char* gateways = nullptr;
    int system = 0;
    int on_demand = 0;
    int idle = -1;
    int grace = -1;
    enum { reserve_option = 1, alias_option, version_option };
    const poptOption table[] = {
        {"directory", 'd', POPT_ARG_STRING, static_cast<void*>(&directory), 0, "where the socket and the registry are",
         "DIR"},
        {"system", 0, POPT_ARG_NONE, &system, 0, "serve all users: one scope of names for each, and a global one",
         nullptr},
        {"on-demand", 0, POPT_ARG_NONE, &on_demand, 0,
         "go into the background, and leave when nobody is connected any more; does nothing if a broker runs there",
         nullptr},
        {"idle-timeout", 0, POPT_ARG_INT, &idle, 0, "leave after so many seconds without a session (0: never)",
         "SECONDS"},
        {"grace", 0, POPT_ARG_INT, &grace, 0, "after a restart names wait so long for their servers (default 10)",
         "SECONDS"},
        {"trusted-group", 0, POPT_ARG_STRING, static_cast<void*>(&trusted), 0,
         "its members may speak for other users, as root may", "GROUP"},
        {"global-group", 0, POPT_ARG_STRING, static_cast<void*>(&global), 0,
         "its members may create global pipes, as root may", "GROUP"},
        {"global-gateways", 0, POPT_ARG_STRING, static_cast<void*>(&gateways), 0,
         "gateways of its members resolve names for all users, as root's do", "GROUP"},
        {"reserve", 0, POPT_ARG_STRING, static_cast<void*>(&reserved), reserve_option,
         "only root may create a pipe of this name (repeatable)", "NAME"},
        {"alias", 0, POPT_ARG_STRING, static_cast<void*>(&alias), alias_option,
         "clients that open one of the aliases get the pipe NAME (repeatable)", "NAME=ALIAS[,ALIAS...]"},
        {"state", 0, POPT_ARG_STRING, static_cast<void*>(&state), 0,
         "where registry, lock and log are (default: the directory)", "DIR"},
        {"user", 0, POPT_ARG_STRING, static_cast<void*>(&user), 0,
         "become that Unix user when the socket is there; --state is then the user's", "USER"},
        {"no-seccomp", 0, POPT_ARG_NONE, &no_seccomp, 0, "do without the filter of system calls", nullptr},
        {"config", 'c', POPT_ARG_STRING, static_cast<void*>(&configuration), 0,
         "limits, as in ntpiped.conf(5) (default: " NTPIPE_CONFIGURATION " with --system)", "FILE"},
        {"log-level", 0, POPT_ARG_STRING, static_cast<void*>(&log_level), 0,
         "trace, debug, info, warning, error or off", "LEVEL"},
        {"version", 'V', POPT_ARG_NONE, nullptr, version_option, "print the version", nullptr},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("ntpiped", argc, argv, table, 0);
    int code = 0;
    while ((code = poptGetNextOpt(context)) > 0) {
        if (code == reserve_option) {
            options.broker.reserved_names.push_back(taken(reserved));
        } else if (code == alias_option) {
            add_aliases(options.broker.aliases, taken(alias));
        } else {
            std::cout << "ntpiped " NTPIPE_VERSION "\n";
            std::exit(0);
        }
    }
    if (code < -1 || poptPeekArg(context) != nullptr) {
        std::cerr << "ntpiped: "
                  << (code < -1 ? poptBadOption(context, 0) + std::string(": ") + poptStrerror(code)
                                : std::string("it takes no arguments"))
                  << "; see ntpiped --help\n";
        std::exit(exit_usage);
    }
    options.system = system != 0;
    options.on_demand = on_demand != 0;
    options.broker.user_scopes = options.system;
    options.broker.directory = taken(directory);
    if (options.broker.directory.empty()) {
        options.broker.directory = options.system ? session::system_directory : session::default_directory();
    }
    options.state = state == nullptr ? options.broker.directory : taken(state);
    options.user = taken(user);
    options.seccomp = no_seccomp == 0;
    if (!options.user.empty() && options.state == options.broker.directory) {
        std::cerr << "ntpiped: --user wants a directory of its own with --state\n";
        std::exit(exit_usage);
    }
    if (log_level != nullptr) {
        options.log_level = taken(log_level);
    }
    if (configuration != nullptr) {
        options.configuration = taken(configuration);
    } else if (options.system && ::access(NTPIPE_CONFIGURATION, F_OK) == 0) {
        options.configuration = NTPIPE_CONFIGURATION;
    }
    if (trusted != nullptr) {
        options.broker.trusted_group = group_of(taken(trusted));
    }
    if (gateways != nullptr) {
        options.broker.gateway_group = group_of(taken(gateways));
    }
    if (global != nullptr) {
        options.broker.global_group = group_of(taken(global));
    }
    constexpr int default_idle = 5;
    if (idle < 0) {
        idle = options.on_demand ? default_idle : 0;
    }
    options.broker.idle_timeout = static_cast<std::uint64_t>(idle) * second;
    if (grace >= 0) {
        options.broker.grace = static_cast<std::uint64_t>(grace) * second;
    }
    poptFreeContext(context);
    return options;
}

[[noreturn]] void fail(const std::string& what)
{
    spdlog::critical("{}", what);
    std::exit(1);
}

[[noreturn]] void fail_with_errno(const std::string& what)
{
    fail(what + ": " + std::strerror(errno));
}

// Whoever may write in a directory above can put another one in its place.
void check_directories_above(const std::string& directory, bool system)
{
    std::string path = directory;
    while (path.find_last_of('/') != std::string::npos && path != "/") {
        const std::size_t slash = path.find_last_of('/');
        path = slash == 0 ? "/" : path.substr(0, slash);
        struct stat status{};
        if (::stat(path.c_str(), &status) != 0) {
            fail_with_errno(path);
        }
        const bool sticky = (status.st_mode & S_ISVTX) != 0;
        if ((status.st_mode & S_IWOTH) != 0 && !sticky) {
            fail(std::string("others may write in ")
                     .append(path)
                     .append(", and put something else in the place of ")
                     .append(directory));
        }
        if (system && status.st_uid != 0 && status.st_uid != ::geteuid()) {
            fail(std::string(path)
                     .append(" belongs to another user, who could put something else in the place of ")
                     .append(directory));
        }
    }
}

void check_directory(const std::string& directory, bool system)
{
    struct stat status{};
    if (::stat(directory.c_str(), &status) != 0) {
        fail_with_errno(directory);
    }
    if (!S_ISDIR(status.st_mode)) {
        fail(directory + " is not a directory");
    }
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
        fail(directory + " belongs to another user");
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        fail("others may write in " + directory + ": chmod go-w " + directory);
    }
    check_directories_above(directory, system);
}

// Makes the directory, or makes sure that nobody else can write in the one that is there.
void prepare_directory(const Options& options, const std::string& directory, mode_t mode)
{
    if (directory.empty()) {
        fail("no directory for the socket: set XDG_RUNTIME_DIR or NTPIPE_DIR, or give --directory");
    }
    if (directory.front() != '/') {
        fail("the directory must be an absolute path: " + directory);
    }
    if (::mkdir(directory.c_str(), mode) == 0) {
        if (::chmod(directory.c_str(), mode) != 0) { // whatever the umask was
            fail_with_errno(directory);
        }
    } else if (errno != EEXIST) {
        fail_with_errno("cannot make " + directory);
    }
    check_directory(directory, options.system);
}

void prepare_directories(const Options& options)
{
    constexpr mode_t for_all = S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH;
    prepare_directory(options, options.broker.directory, options.system ? for_all : S_IRWXU);
    if (options.state == options.broker.directory) {
        return;
    }
    if (!options.user.empty()) { // it is that user's from the last time
        const passwd* user = ::getpwnam(options.user.c_str());
        if (user == nullptr) {
            fail("there is no user '" + options.user + "'");
        }
        if (::mkdir(options.state.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
            fail_with_errno("cannot make " + options.state);
        }
        check_directories_above(options.state, options.system);
        // Only a directory that belongs to nobody else; whoever it belongs to cannot put a link there meanwhile.
        struct stat status{};
        if (::lstat(options.state.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
            (status.st_uid != ::geteuid() && status.st_uid != user->pw_uid)) {
            fail(options.state + " is no directory of root's or of " + options.user + "'s");
        }
        if (::lchown(options.state.c_str(), user->pw_uid, user->pw_gid) != 0) {
            fail_with_errno(options.state);
        }
        return;
    }
    prepare_directory(options, options.state, S_IRWXU);
}

// The service manager's socket must be as ours would be.
void check_socket(const Options& options, int listener)
{
    sockaddr_un address{};
    socklen_t size = sizeof(address);
    if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        fail_with_errno("getsockname");
    }
    const std::string path(address.sun_path);
    struct stat status{};
    if (path.empty() || path.front() != '/' || ::stat(path.c_str(), &status) != 0) {
        fail("the service manager's socket has no path");
    }
    const std::string directory = path.substr(0, std::max<std::size_t>(path.find_last_of('/'), 1));
    check_directory(directory, options.system);
    struct stat above{};
    if (::stat(directory.c_str(), &above) != 0) {
        fail_with_errno(directory);
    }
    const bool reached = (above.st_mode & (S_IXGRP | S_IXOTH)) != 0;
    if (!options.system && reached && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        fail("others may connect to " + path + ", which is for one user: chmod go= " + path);
    }
}

// False: another broker has it.
bool take_lock(const std::string& directory, Place& place)
{
    const std::string path = directory + "/broker.lock";
    place.lock.reset(glue::uninterrupted(
        [&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR); }));
    if (!place.lock) {
        fail_with_errno(path);
    }
    if (::flock(place.lock.get(), LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    if (errno != EWOULDBLOCK) {
        fail_with_errno(path);
    }
    return false;
}

bool take_listener_of_systemd(Place& place)
{
    const int count = ::sd_listen_fds(1);
    if (count <= 0) {
        return false;
    }
    const int listener = SD_LISTEN_FDS_START;
    if (count != 1 || ::sd_is_socket_unix(listener, SOCK_SEQPACKET, 1, nullptr, 0) <= 0) {
        fail("the service manager must hand over exactly one listening socket, ListenSequentialPacket=");
    }
    ::fcntl(listener, F_SETFL, O_NONBLOCK);
    place.listener.reset(listener);
    return true;
}

void make_listener(const Options& options, Place& place)
{
    const std::string path = options.broker.directory + "/" + session::broker_socket_name;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) { // left by a broker that was killed: the lock is ours
        fail_with_errno(path);
    }
    place.listener.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    glue::UniqueFd anchor;
    if (!place.listener ||
        !session::socket_address(options.broker.directory, session::broker_socket_name, address, anchor) ||
        ::bind(place.listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        fail_with_errno("cannot make " + path);
    }
    place.made_socket = true;
    constexpr mode_t everybody = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    if (::chmod(path.c_str(), options.system ? everybody : S_IRUSR | S_IWUSR) != 0 ||
        ::listen(place.listener.get(), backlog) != 0) {
        fail_with_errno(path);
    }
}

// The socket listens already, so whoever started this can connect when its child has ended.
void go_into_background(const std::string& directory)
{
    const pid_t child = ::fork();
    if (child < 0) {
        fail_with_errno("fork");
    }
    if (child > 0) {
        ::_exit(0);
    }
    ::setsid();
    if (::chdir("/") != 0) {
        fail_with_errno("/");
    }
    const std::string log = directory + "/ntpiped.log";
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "ntpiped", std::make_shared<spdlog::sinks::basic_file_sink_st>(log, /*truncate=*/true)));
    const glue::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(null.get(), standard);
    }
}

void set_up_log(const std::string& level)
{
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("ntpiped", std::make_shared<spdlog::sinks::stderr_color_sink_st>()));
    const auto parsed = spdlog::level::from_str(level);
    if (parsed == spdlog::level::off && level != "off") {
        std::cerr << "ntpiped: unknown log level '" << level << "'; see ntpiped --help\n";
        std::exit(exit_usage);
    }
    spdlog::set_level(parsed);
    spdlog::flush_on(spdlog::level::info);
}

void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

space::Limits limits_for(const Options& options)
{
    space::Limits limits = options.system ? default_limits() : no_limits();
    if (!options.configuration.empty()) {
        read_limits(options.configuration, limits);
    }
    return limits;
}

// A file that is wrong leaves all as it was.
void read_limits_again(const Options& options, Broker& broker)
{
    try {
        broker.set_limits(limits_for(options));
        spdlog::info("limits were read again");
    } catch (const BadConfiguration& error) {
        spdlog::error("limits stay as they were: {}", error.what());
    }
}

void give_up_rights(const Options& options)
{
    if (!options.user.empty()) {
        become_user(options.user);
        check_directory(options.state, options.system);
    }
    if (!options.configuration.empty()) {
        (void)::getpwnam("?"); // whatever code answers that must be there before none can be loaded any more
    }
    if (options.seccomp && !restrict_system_calls()) {
        spdlog::info("system calls are not restricted: built with a sanitizer");
    }
}

int run(int argc, const char** argv)
{
    Options options = parse_options(argc, argv);
    set_up_log(options.log_level);
    raise_descriptor_limit();
    options.broker.limits = limits_for(options);
    ::umask(S_IRWXG | S_IRWXO);
    prepare_directories(options);
    Place place;
    const std::string directory = options.broker.directory;
    if (!take_lock(options.state, place)) {
        if (options.on_demand) {
            return 0;
        }
        fail("a broker runs in " + directory + " already");
    }
    if (take_listener_of_systemd(place)) {
        check_socket(options, place.listener.get());
    } else {
        make_listener(options, place);
    }
    if (options.on_demand) {
        go_into_background(options.state);
        spdlog::set_level(spdlog::level::from_str(options.log_level));
        spdlog::flush_on(spdlog::level::info);
    }
    (void)::signal(SIGPIPE, SIG_IGN);
    give_up_rights(options);
    options.broker.directory = options.state;

    tevent_context* events = tevent_context_init(nullptr);
    bool over = false;
    int result = 0;
    {
        auto loop = glue::Loop::on(events);
        Broker broker(**loop, options.broker, [&over] { over = true; });
        if (const Status status = broker.restore(); status != Status::success) {
            fail("cannot keep the registry in " + directory + ": " + ntpipe_status_text(raw(status)));
        }
        for (const int number : {SIGTERM, SIGINT}) {
            tevent_add_signal(
                events, events, number, 0,
                [](tevent_context*, tevent_signal*, int, int, void*, void* flag) { *static_cast<bool*>(flag) = true; },
                &over);
        }
        auto again = [&options, &broker] { read_limits_again(options, broker); };
        tevent_add_signal(
            events, events, SIGHUP, 0,
            [](tevent_context*, tevent_signal*, int, int, void*, void* what) {
                (*static_cast<decltype(again)*>(what))();
            },
            &again);
        broker.serve(std::move(place.listener));
        spdlog::info("serving in {}", directory);
        ::sd_notify(0, "READY=1");
        while (!over && result == 0) {
            result = tevent_loop_once(events);
        }
        ::sd_notify(0, "STOPPING=1");
    }
    if (place.made_socket) {
        ::unlink((directory + "/" + session::broker_socket_name).c_str());
    }
    talloc_free(events);
    spdlog::info("leaving");
    return result;
}

} // namespace
} // namespace ntpipe::broker

int main(int argc, const char** argv)
{
    try {
        return ntpipe::broker::run(argc, argv);
    } catch (const ntpipe::broker::BadConfiguration& error) {
        spdlog::critical("{}", error.what());
        return 2;
    } catch (const std::exception& error) {
        spdlog::critical("{}", error.what());
        return 1;
    }
}
