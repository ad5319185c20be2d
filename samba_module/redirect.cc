// SPDX-License-Identifier: GPL-3.0-or-later
// redirect.cc: the relocation slots of a loaded ELF library.
#include "redirect.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <unordered_map>

namespace ntpipe::samba {
namespace {

#if !defined(__x86_64__)
#error "the kinds of relocations below are those of x86-64"
#endif

// The loader gives numbers.
template <typename T>
T* at(std::uintptr_t address)
{
    return std::bit_cast<T*>(address);
}

// The kinds of slots that hold the address of a function.
bool holds_function(std::uint64_t type)
{
    return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT || type == R_X86_64_64;
}

std::string_view file_name_of(const char* path)
{
    const std::string_view whole = path == nullptr ? "" : path;
    return whole.substr(whole.find_last_of('/') + 1);
}

std::string library_with(const void* address)
{
    Dl_info info{};
    return ::dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "an unknown library";
}

std::span<const std::uint8_t> find_build_id(const std::uint8_t* notes, std::size_t size)
{
    constexpr std::size_t alignment = 4;
    const auto aligned = [](std::size_t length) { return (length + alignment - 1) & ~(alignment - 1); };
    for (std::size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
        ElfW(Nhdr) header;
        std::memcpy(&header, notes + at, sizeof(header));
        const std::size_t description = at + sizeof(header) + aligned(header.n_namesz);
        const std::size_t next = description + aligned(header.n_descsz);
        if (next > size) {
            break;
        }
        if (header.n_type == NT_GNU_BUILD_ID) {
            return {notes + description, header.n_descsz};
        }
        at = next;
    }
    return {};
}

/// What the dynamic section says of relocations and symbols. The loader has made addresses of its offsets.
struct DynamicTables {
    explicit DynamicTables(const ElfW(Dyn) * entry)
    {
        for (; entry->d_tag != DT_NULL; ++entry) {
            const auto pointer = entry->d_un.d_ptr;
            switch (entry->d_tag) {
            case DT_SYMTAB:
                symbols = at<const ElfW(Sym)>(pointer);
                break;
            case DT_STRTAB:
                strings = at<const char>(pointer);
                break;
            case DT_RELA:
                data = at<const ElfW(Rela)>(pointer);
                break;
            case DT_RELASZ:
                data_count = entry->d_un.d_val / sizeof(ElfW(Rela));
                break;
            case DT_JMPREL:
                calls = at<const ElfW(Rela)>(pointer);
                break;
            case DT_PLTRELSZ:
                calls_count = entry->d_un.d_val / sizeof(ElfW(Rela));
                break;
            default:
                break;
            }
        }
    }

    const ElfW(Sym) * symbols = nullptr;
    const char* strings = nullptr;
    const ElfW(Rela) * data = nullptr;
    const ElfW(Rela) * calls = nullptr;
    std::size_t data_count = 0;
    std::size_t calls_count = 0;
};

} // namespace

LoadedLibrary LoadedLibrary::find(const char* name_prefix)
{
    struct Search {
        const char* prefix;
        LoadedLibrary found;
    } search{name_prefix, {}};
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t /*size*/, void* data) {
            auto& wanted = *static_cast<Search*>(data);
            if (!file_name_of(info->dlpi_name).starts_with(wanted.prefix)) {
                return 0;
            }
            wanted.found.take(*info);
            return 1;
        },
        &search);
    return search.found;
}

void LoadedLibrary::take(const dl_phdr_info& info)
{
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    base_ = info.dlpi_addr;
    for (const ElfW(Phdr) & header : std::span(info.dlpi_phdr, info.dlpi_phnum)) {
        const std::uintptr_t begin = base_ + header.p_vaddr;
        if (header.p_type == PT_DYNAMIC) {
            dynamic_ = at<const void>(begin);
        } else if (header.p_type == PT_GNU_RELRO) {
            read_only_begin_ = begin & ~(page - 1);
            read_only_end_ = (begin + header.p_memsz) & ~(page - 1);
        } else if (header.p_type == PT_NOTE && build_id_.empty()) {
            build_id_ = find_build_id(at<const std::uint8_t>(begin), header.p_memsz);
        }
    }
}

bool LoadedLibrary::contains(const void* address) const
{
    Dl_info info{};
    return ::dladdr(address, &info) != 0 && reinterpret_cast<std::uintptr_t>(info.dli_fbase) == base_;
}

std::vector<LoadedLibrary::Slot> LoadedLibrary::find_slots(std::span<const Redirection> redirections) const
{
    std::unordered_map<std::string_view, std::size_t> wanted;
    for (std::size_t i = 0; i < redirections.size(); ++i) {
        wanted.emplace(redirections[i].name, i);
    }
    std::vector<Slot> slots(redirections.size());
    const DynamicTables tables(static_cast<const ElfW(Dyn)*>(dynamic_));
    for (const auto relocations :
         {std::span(tables.data, tables.data_count), std::span(tables.calls, tables.calls_count)}) {
        for (const ElfW(Rela) & relocation : relocations) {
            if (!holds_function(ELF64_R_TYPE(relocation.r_info))) {
                continue;
            }
            const ElfW(Sym)& symbol = tables.symbols[ELF64_R_SYM(relocation.r_info)];
            const auto found = wanted.find(tables.strings + symbol.st_name);
            if (found != wanted.end()) {
                slots[found->second].where = at<void*>(base_ + relocation.r_offset);
                ++slots[found->second].count;
            }
        }
    }
    return slots;
}

namespace {

int* flags_behind(void* const* slot)
{
    return std::bit_cast<int*>(slot + 1);
}

} // namespace

bool LoadedLibrary::has_row(const TableRow& row, void* const* slot) const
{
    if (row.name == nullptr) {
        return true;
    }
    const auto* name = static_cast<const char*>(slot[-1]);
    return contains(static_cast<const void*>(flags_behind(slot))) && contains(name) &&
           std::strcmp(name, row.name) == 0 && *flags_behind(slot) == row.flags;
}

// Empty: it is safe to redirect this one.
std::string LoadedLibrary::problem_with(const Redirection& redirection, const Slot& slot) const
{
    const std::string name = redirection.name;
    if (::dlsym(RTLD_DEFAULT, redirection.name) != redirection.original) {
        return name + " is not where it was linked to";
    }
    if (!contains(redirection.original)) {
        return name + " comes from another library";
    }
    if (slot.count != 1) {
        return name + " is called through " + std::to_string(slot.count) + " slots instead of one";
    }
    if (!contains(static_cast<const void*>(slot.where))) {
        return name + " has its slot outside of the library";
    }
    if (*slot.where != redirection.original) {
        return name + " has been redirected by somebody else, " + library_with(*slot.where);
    }
    if (!has_row(redirection.row, slot.where)) {
        return name + " is not in a table as it was expected";
    }
    return {};
}

std::vector<std::string> LoadedLibrary::check(std::span<const Redirection> redirections) const
{
    const std::vector<Slot> slots = find_slots(redirections);
    std::vector<std::string> problems;
    problems.reserve(slots.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
        problems.push_back(problem_with(redirections[i], slots[i]));
    }
    return problems;
}

bool LoadedLibrary::set_writable(bool writable) const
{
    if (read_only_end_ <= read_only_begin_) {
        return true;
    }
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    return ::mprotect(at<void>(read_only_begin_), read_only_end_ - read_only_begin_, protection) == 0;
}

bool LoadedLibrary::redirect(std::span<const Redirection> redirections, std::string& problem) const
{
    const std::vector<Slot> slots = find_slots(redirections);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        problem = problem_with(redirections[i], slots[i]);
        if (!problem.empty()) {
            return false;
        }
    }
    if (!set_writable(true)) {
        problem = std::string("the relocation slots cannot be written: ") + std::strerror(errno);
        return false;
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
        *slots[i].where = redirections[i].replacement;
        if (redirections[i].row.name != nullptr) {
            *flags_behind(slots[i].where) = redirections[i].row.new_flags;
        }
    }
    (void)set_writable(false); // they stay right if this fails
    return true;
}

} // namespace ntpipe::samba
