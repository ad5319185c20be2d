// SPDX-License-Identifier: LGPL-2.1-or-later
// interpose.c: a library for LD_PRELOAD that makes an allocation or a system call of the program fail.
//
//   NTPIPE_FAULT_AT=N       the Nth call from when it is armed fails, as if the system had nothing left; 0: none, they are only counted
//   NTPIPE_FAULT_KIND=K     only these calls count: memory, system, or the name of one
//   NTPIPE_FAULT_FOREVER=1  from the Nth on all fail
//   NTPIPE_FAULT_EVERY=N    of the calls that may be interrupted one of N is; NTPIPE_FAULT_SEED chooses, so that none is each time the same
//   NTPIPE_FAULT_IN=A:B     only calls of an object whose file name contains A or B, those that talloc and the like make for it included
//   NTPIPE_FAULT_ARMED=0    it is armed by ntpipe_fault_arm(), or by SIGRTMIN+7 (N is the signal's value, if it has one), and not by the
//                           start of the program
//   NTPIPE_FAULT_LOG=FILE   gets a line for each call that failed, and where it came from
//   NTPIPE_FAULT_STATE=FILE gets a line for each such signal: the process, how many calls there were since the one before, how many failed,
//                           and how many blocks of memory there are that were allocated (by those objects) and not freed
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE // with it the headers have inline functions of the same names
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

enum kind { memory, sys };

static atomic_long calls;
static atomic_long interruptible;
static atomic_long at = -1; ///< -1: not armed
static atomic_long failed;
static long every;
static unsigned long seed;
static bool forever;
static const char* only;
static const char* within;
static const char* log_path;
static const char* state_path;
static __thread bool busy; ///< in here

// ---- where a call comes from ----

enum { most_ranges = 256, deepest = 48 };
enum owner { wanted, neutral, loader };
static struct {
    uintptr_t begin, end;
    enum owner owner;
} ranges[most_ranges];
static int range_count;

static bool has_one_of(const char* path, const char* some)
{
    char words[256];
    (void)snprintf(words, sizeof(words), "%s", some);
    for (char *rest = words, *word; (word = strtok_r(rest, ":", &rest)) != NULL;) {
        if (strstr(path, word) != NULL) {
            return true;
        }
    }
    return false;
}

static int note_object(struct dl_phdr_info* info, size_t size, void* data)
{
    (void)size;
    (void)data;
    const char* path = info->dlpi_name[0] != '\0' ? info->dlpi_name : program_invocation_name;
    const bool is_wanted = has_one_of(path, within);
    const bool is_loader = has_one_of(path, "/ld-linux");
    if (is_wanted || is_loader ||
        has_one_of(path, "/libc.so:/libstdc++.so:/libgcc_s.so:/libtalloc.so:/libtevent.so:/libinterpose.so")) {
        for (int i = 0; i < info->dlpi_phnum && range_count < most_ranges; ++i) {
            const ElfW(Phdr)* header = &info->dlpi_phdr[i];
            if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
                ranges[range_count].begin = info->dlpi_addr + header->p_vaddr;
                ranges[range_count].end = info->dlpi_addr + header->p_vaddr + header->p_memsz;
                ranges[range_count].owner = is_wanted ? wanted : is_loader ? loader : neutral;
                ++range_count;
            }
        }
    }
    return 0;
}

static int see_adds(struct dl_phdr_info* info, size_t size, void* data)
{
    (void)size;
    *(unsigned long long*)data = info->dlpi_adds;
    return 1;
}

// Notes the objects again when some were loaded since. Who loads one and allocates meanwhile goes by what is noted so far.
static void note_objects(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static unsigned long long noted;
    unsigned long long adds = 0;
    if (pthread_mutex_trylock(&lock) != 0) {
        return;
    }
    dl_iterate_phdr(see_adds, &adds);
    if (adds != noted) {
        range_count = 0;
        dl_iterate_phdr(note_object, NULL);
        noted = adds;
    }
    pthread_mutex_unlock(&lock);
}

// Who calls, or has something neutral call. What the dynamic loader allocates for the variables of a thread does not count: it ends the
// process when it cannot.
static bool comes_from_there(void)
{
    if (within == NULL) {
        return true;
    }
    note_objects();
    void* frames[deepest];
    const int depth = backtrace(frames, deepest);
    for (int i = 0; i < depth; ++i) {
        // This, is_ours(), fails() or made(), and what stands for the call.
        enum { own_frames = 5 };
        int r = 0;
        while (r < range_count && ((uintptr_t)frames[i] < ranges[r].begin || (uintptr_t)frames[i] >= ranges[r].end)) {
            ++r;
        }
        if (r == range_count || ranges[r].owner == wanted || (ranges[r].owner == loader && i <= own_frames)) {
            return r != range_count && ranges[r].owner == wanted;
        }
    }
    return false;
}

static bool is_ours(void)
{
    if (busy || atomic_load(&at) < 0) {
        return false;
    }
    const int saved = errno;
    busy = true;
    const bool result = comes_from_there();
    busy = false;
    errno = saved;
    return result;
}

// ---- which call fails ----

static void report(const char* name, long number)
{
    if (log_path == NULL) {
        return;
    }
    const int file = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    char line[4096];
    int length = snprintf(line, sizeof(line), "%d %s %ld\n", (int)getpid(), name, number);
    void* frames[deepest];
    const int depth = backtrace(frames, deepest);
    for (int i = 2; i < depth && length < (int)sizeof(line) - 256; ++i) {
        Dl_info info;
        if (dladdr(frames[i], &info) != 0 && info.dli_fname != NULL) {
            const char* file_name = strrchr(info.dli_fname, '/');
            length += snprintf(line + length, sizeof(line) - (size_t)length, "    %s+0x%lx\n",
                               file_name == NULL ? info.dli_fname : file_name + 1,
                               (unsigned long)((uintptr_t)frames[i] - (uintptr_t)info.dli_fbase));
        }
    }
    (void)!syscall(SYS_write, file, line, (size_t)length);
    syscall(SYS_close, file);
}

static bool fails(const char* name, enum kind kind)
{
    if (only != NULL && strcmp(only, kind == memory ? "memory" : "system") != 0 && strcmp(only, name) != 0) {
        return false;
    }
    if (!is_ours()) {
        return false;
    }
    const int saved = errno;
    const long number = atomic_fetch_add(&calls, 1) + 1;
    const long first = atomic_load(&at);
    const bool result = first > 0 && (number == first || (forever && number > first));
    if (result) {
        busy = true;
        atomic_fetch_add(&failed, 1);
        report(name, number);
        busy = false;
    }
    errno = saved;
    return result;
}

static bool interrupted(void)
{
    if (every == 0 || !is_ours()) {
        return false;
    }
    unsigned long mixed = (seed + (unsigned long)atomic_fetch_add(&interruptible, 1)) * 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ mixed >> 29U) * 0xBF58476D1CE4E5B9U;
    return (mixed >> 33U) % (unsigned long)every == 0;
}

VISIBLE void ntpipe_fault_arm(long number);
VISIBLE void ntpipe_fault_arm(long number)
{
    atomic_store(&calls, 0);
    atomic_store(&failed, 0);
    atomic_store(&at, number);
}

VISIBLE long ntpipe_fault_calls(void);
VISIBLE long ntpipe_fault_calls(void)
{
    return atomic_load(&calls);
}

static atomic_long live;

static void say_state(void)
{
    char line[128];
    const int length = snprintf(line, sizeof(line), "%d %ld %ld %ld\n", (int)getpid(), atomic_load(&calls),
                                atomic_load(&failed), atomic_load(&live));
    const int file = (int)syscall(SYS_openat, AT_FDCWD, state_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    (void)!syscall(SYS_write, file, line, (size_t)length);
    syscall(SYS_close, file);
}

static void on_signal(int number, siginfo_t* info, void* context)
{
    (void)number;
    (void)context;
    const int saved = errno;
    if (state_path != NULL) {
        busy = true;
        say_state();
        busy = false;
    }
    ntpipe_fault_arm(info->si_value.sival_int);
    errno = saved;
}

/// 0: it is not set.
static long number_in(const char* variable)
{
    const char* text = getenv(variable);
    return text == NULL ? 0 : strtol(text, NULL, 10);
}

__attribute__((constructor)) static void start(void)
{
    const char* armed = getenv("NTPIPE_FAULT_ARMED");
    every = number_in("NTPIPE_FAULT_EVERY");
    seed = (unsigned long)number_in("NTPIPE_FAULT_SEED");
    forever = getenv("NTPIPE_FAULT_FOREVER") != NULL;
    only = getenv("NTPIPE_FAULT_KIND");
    within = getenv("NTPIPE_FAULT_IN");
    log_path = getenv("NTPIPE_FAULT_LOG");
    state_path = getenv("NTPIPE_FAULT_STATE");
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGRTMIN + 7, &action, NULL);
    void* frames[2];
    (void)backtrace(frames, 2); // loads what it needs
    if (armed == NULL || strcmp(armed, "0") != 0) {
        ntpipe_fault_arm(number_in("NTPIPE_FAULT_AT"));
    }
}

// ---- what is allocated ----

enum { slots = 1 << 20 };
static _Atomic(uintptr_t)* table; ///< of blocks, at the place of their hash or behind

static size_t slot_of(uintptr_t block)
{
    return (size_t)(block >> 4) * 0x9E3779B97F4A7C15U >> 44U;
}

static void* made(void* block)
{
    if (block == NULL || !is_ours()) {
        return block;
    }
    if (table == NULL) {
        // Not by the mmap() below. NOLINTNEXTLINE(performance-no-int-to-ptr)
        table = (void*)syscall(SYS_mmap, NULL, sizeof(*table) * slots, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    for (size_t i = slot_of((uintptr_t)block);; i = (i + 1) % slots) {
        uintptr_t empty = atomic_load(&table[i]);
        if (empty <= 1 && atomic_compare_exchange_strong(&table[i], &empty, (uintptr_t)block)) {
            atomic_fetch_add(&live, 1);
            return block;
        }
    }
}

static void unmade(void* block)
{
    if (block == NULL || table == NULL) {
        return;
    }
    for (size_t i = slot_of((uintptr_t)block); atomic_load(&table[i]) != 0; i = (i + 1) % slots) {
        if (atomic_load(&table[i]) == (uintptr_t)block) {
            atomic_store(&table[i], 1); // it was one
            atomic_fetch_sub(&live, 1);
            return;
        }
    }
}

VISIBLE long ntpipe_fault_live(void);
VISIBLE long ntpipe_fault_live(void)
{
    return atomic_load(&live);
}

static bool no_memory(const char* name)
{
    if (!fails(name, memory)) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

VISIBLE void* malloc(size_t size)
{
    return no_memory("malloc") ? NULL : made(__libc_malloc(size));
}

VISIBLE void* calloc(size_t count, size_t size)
{
    return no_memory("calloc") ? NULL : made(__libc_calloc(count, size));
}

VISIBLE void* realloc(void* block, size_t size)
{
    if (no_memory("realloc")) {
        return NULL;
    }
    unmade(block);
    return made(__libc_realloc(block, size));
}

VISIBLE void* memalign(size_t alignment, size_t size);
VISIBLE void* memalign(size_t alignment, size_t size)
{
    return no_memory("memalign") ? NULL : made(__libc_memalign(alignment, size));
}

VISIBLE void* aligned_alloc(size_t alignment, size_t size)
{
    return no_memory("aligned_alloc") ? NULL : made(__libc_memalign(alignment, size));
}

VISIBLE int posix_memalign(void** block, size_t alignment, size_t size)
{
    if (no_memory("posix_memalign")) {
        return ENOMEM;
    }
    *block = made(__libc_memalign(alignment, size));
    return *block == NULL ? ENOMEM : 0;
}

VISIBLE void free(void* block)
{
    unmade(block);
    __libc_free(block);
}

// ---- system calls ----

#define REAL(name)                                                                                                     \
    static __typeof__(name)* real;                                                                                     \
    if (real == NULL) {                                                                                                \
        busy = true;                                                                                                   \
        real = (__typeof__(name)*)dlsym(RTLD_NEXT, #name);                                                             \
        busy = false;                                                                                                  \
    }

#define FAILING(type, name, error, parameters, arguments)                                                              \
    VISIBLE type name parameters                                                                                       \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        if (fails(#name, sys)) {                                                                                       \
            errno = error;                                                                                             \
            return (type) - 1;                                                                                         \
        }                                                                                                              \
        return real arguments;                                                                                         \
    }

#define INTERRUPTIBLE_IF(condition, type, name, error, parameters, arguments)                                          \
    VISIBLE type name parameters                                                                                       \
    {                                                                                                                  \
        REAL(name)                                                                                                     \
        if ((condition) && interrupted()) {                                                                            \
            errno = EINTR;                                                                                             \
            return (type) - 1;                                                                                         \
        }                                                                                                              \
        if (fails(#name, sys)) {                                                                                       \
            errno = error;                                                                                             \
            return (type) - 1;                                                                                         \
        }                                                                                                              \
        return real arguments;                                                                                         \
    }
#define INTERRUPTIBLE(...) INTERRUPTIBLE_IF(true, __VA_ARGS__)

FAILING(int, socket, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
FAILING(int, socketpair, EMFILE, (int domain, int type, int protocol, int pair[2]), (domain, type, protocol, pair))
FAILING(int, bind, ENOMEM, (int fd, const struct sockaddr* address, socklen_t size), (fd, address, size))
FAILING(int, listen, EADDRINUSE, (int fd, int backlog), (fd, backlog))
FAILING(int, getsockopt, ENOBUFS, (int fd, int level, int option, void* value, socklen_t* size),
        (fd, level, option, value, size))
FAILING(int, dup, EMFILE, (int fd), (fd))
FAILING(int, epoll_create1, EMFILE, (int flags), (flags))
FAILING(int, epoll_ctl, ENOMEM, (int set, int operation, int fd, struct epoll_event* event),
        (set, operation, fd, event))
FAILING(int, timerfd_create, EMFILE, (int clock, int flags), (clock, flags))
FAILING(int, memfd_create, EMFILE, (const char* name, unsigned flags), (name, flags))
FAILING(int, ftruncate, ENOSPC, (int fd, off_t size), (fd, size))
INTERRUPTIBLE(int, fallocate, ENOSPC, (int fd, int mode, off_t offset, off_t size), (fd, mode, offset, size))
FAILING(int, rename, EIO, (const char* from, const char* to), (from, to))
FAILING(int, fstat, EIO, (int fd, struct stat* status), (fd, status))
INTERRUPTIBLE(int, connect, ECONNREFUSED, (int fd, const struct sockaddr* address, socklen_t size), (fd, address, size))
INTERRUPTIBLE(int, accept4, EMFILE, (int fd, struct sockaddr* address, socklen_t* size, int flags),
              (fd, address, size, flags))
INTERRUPTIBLE(ssize_t, sendmsg, ENOBUFS, (int fd, const struct msghdr* message, int flags), (fd, message, flags))
INTERRUPTIBLE(ssize_t, recvmsg, ENOMEM, (int fd, struct msghdr* message, int flags), (fd, message, flags))
INTERRUPTIBLE(ssize_t, send, ENOBUFS, (int fd, const void* bytes, size_t size, int flags), (fd, bytes, size, flags))
INTERRUPTIBLE(ssize_t, recv, ENOMEM, (int fd, void* bytes, size_t size, int flags), (fd, bytes, size, flags))
INTERRUPTIBLE(ssize_t, read, EIO, (int fd, void* bytes, size_t size), (fd, bytes, size))

// A counter of events takes what is added to it, whatever the system lacks.
static bool is_counter(int fd, size_t size)
{
    char path[32], target[32];
    if (size != sizeof(uint64_t)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const int saved = errno;
    const ssize_t length = readlink(path, target, sizeof(target) - 1);
    errno = saved;
    target[length > 0 ? length : 0] = '\0';
    return strcmp(target, "anon_inode:[eventfd]") == 0;
}

VISIBLE ssize_t write(int fd, const void* bytes, size_t size)
{
    REAL(write)
    if (interrupted()) {
        errno = EINTR;
        return -1;
    }
    if (!is_counter(fd, size) && fails("write", sys)) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, size);
}

INTERRUPTIBLE_IF(timeout != 0, int, epoll_wait, EINTR, (int set, struct epoll_event* events, int most, int timeout),
                 (set, events, most, timeout))
INTERRUPTIBLE(int, poll, ENOMEM, (struct pollfd * all, nfds_t count, int timeout), (all, count, timeout))

VISIBLE int eventfd(unsigned initial, int flags);
FAILING(int, eventfd, EMFILE, (unsigned initial, int flags), (initial, flags))

VISIBLE void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset)
{
    REAL(mmap)
    if (fails("mmap", sys)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return real(address, size, protection, flags, fd, offset);
}

VISIBLE int open(const char* path, int flags, ...)
{
    REAL(open)
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (interrupted()) {
        errno = EINTR;
        return -1;
    }
    if (fails("open", sys)) {
        errno = EMFILE;
        return -1;
    }
    return real(path, flags, mode);
}

VISIBLE int fcntl(int fd, int command, ...)
{
    REAL(fcntl)
    va_list more;
    va_start(more, command);
    void* argument = va_arg(more, void*);
    va_end(more);
    if ((command == F_DUPFD_CLOEXEC || command == F_ADD_SEALS || command == F_GET_SEALS) && fails("fcntl", sys)) {
        errno = EMFILE;
        return -1;
    }
    return real(fd, command, argument);
}
