// SPDX-License-Identifier: LGPL-2.1-or-later
// talloc.hpp: C++ objects that live in a talloc hierarchy. The one place where C++ meets talloc.
#pragma once

#include <talloc.h>

#include <new>
#include <type_traits>
#include <utility>

namespace ntpipe::glue {

/// Makes a T below `ctx`; talloc_free() of it, or of any parent, runs ~T. `type_name` is what talloc reports show and what
/// talloc_get_type() of the C API checks. nullptr when out of memory; an exception of T's constructor passes through.
template <typename T, typename... Arguments>
[[nodiscard]] T* make_talloc(const void* ctx, const char* type_name, Arguments&&... arguments)
{
    static_assert(alignof(T) <= 16, "talloc aligns to 16 bytes");
    void* memory = talloc_named_const(ctx, sizeof(T), type_name);
    if (memory == nullptr) {
        return nullptr;
    }
    T* object = nullptr;
    try {
        object = new (memory) T(std::forward<Arguments>(arguments)...);
    } catch (...) {
        talloc_free(memory);
        throw;
    }
    if constexpr (!std::is_trivially_destructible_v<T>) {
        _talloc_set_destructor(object, [](void* pointer) {
            static_cast<T*>(pointer)->~T();
            return 0;
        });
    }
    return object;
}

/// Owns a talloc object from C++ code that has no talloc parent for it.
template <typename T>
class TallocPtr {
public:
    TallocPtr() = default;
    explicit TallocPtr(T* object) : object_(object) {}
    TallocPtr(TallocPtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    TallocPtr& operator=(TallocPtr&& other) noexcept
    {
        if (this != &other) {
            reset(std::exchange(other.object_, nullptr));
        }
        return *this;
    }
    TallocPtr(const TallocPtr&) = delete;
    TallocPtr& operator=(const TallocPtr&) = delete;
    ~TallocPtr() { reset(); }

    [[nodiscard]] T* get() const { return object_; }
    [[nodiscard]] explicit operator bool() const { return object_ != nullptr; }
    [[nodiscard]] T* release() { return std::exchange(object_, nullptr); }
    void reset(T* object = nullptr)
    {
        if (object_ != nullptr) {
            talloc_free(object_);
        }
        object_ = object;
    }

private:
    T* object_ = nullptr;
};

} // namespace ntpipe::glue
