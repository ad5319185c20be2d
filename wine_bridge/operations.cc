// SPDX-License-Identifier: LGPL-2.1-or-later
// operations.cc: operations on either side: their ends, and who is told if that fails.
#include "operations.hpp"

#include "log.hpp"

#include <unistd.h>

#include <exception>
#include <new>
#include <utility>

namespace wine_bridge {

void give_up(const std::shared_ptr<Owner>& owner, const std::exception& why) noexcept
{
    log_line("something is given up, because of this:");
    log_line(why.what());
    try {
        if (owner) {
            owner->fail();
            return;
        }
    } catch (const std::exception&) {
        log_line("ends: there is no memory to give something up");
    }
    _exit(1);
}

void WineOperation::over(nt_operation* operation)
{
    auto* self = static_cast<WineOperation*>(operation);
    const std::shared_ptr<Owner> owner = std::move(self->owner_);
    const Then then = std::move(self->then_);
    self->pending_ = false;
    do_for(owner, [&] { then(self->status, self->information); });
}

WineBuffer::WineBuffer(std::size_t size) : data_(static_cast<std::uint8_t*>(nt_buffer(size))), size_(size)
{
    if (data_ == nullptr) {
        throw std::bad_alloc();
    }
}

void WineBuffer::grow(std::size_t size)
{
    if (size <= size_) {
        return;
    }
    auto* larger = static_cast<std::uint8_t*>(nt_buffer(size));
    if (larger == nullptr) {
        throw std::bad_alloc();
    }
    nt_buffer_free(data_);
    data_ = larger;
    size_ = size;
}

bool NativeRequest::take(tevent_req* req)
{
    if (req == nullptr) {
        throw std::bad_alloc();
    }
    req_ = req;
    if (!tevent_req_is_in_progress(req)) {
        then_ = nullptr; // it may hold who holds this
        return true;
    }
    tevent_req_set_callback(req, over, this);
    return false;
}

void NativeRequest::over(tevent_req* req)
{
    auto* self = static_cast<NativeRequest*>(tevent_req_callback_data_void(req));
    const std::shared_ptr<Owner> owner = self->owner_.lock();
    const std::function<void()> then = std::move(self->then_);
    do_for(owner, then);
}

void NativeRequest::reset()
{
    TALLOC_FREE(req_);
    then_ = nullptr;
}

std::u16string to_utf16(const std::string& text)
{
    std::u16string wide;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const unsigned more = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        std::uint32_t point = more == 0 ? lead : lead & (0x3FU >> more);
        if (i + more >= text.size()) {
            return {};
        }
        for (unsigned n = 1; n <= more; ++n) {
            point = point << 6U | (static_cast<unsigned char>(text[i + n]) & 0x3FU);
        }
        i += more + 1;
        if (point >= 0x10000) {
            wide += static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10U));
            wide += static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FFU));
        } else {
            wide += static_cast<char16_t>(point);
        }
    }
    return wide;
}

std::string folded(const std::string& name)
{
    std::string out = name;
    for (char& letter : out) {
        letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    return out;
}

} // namespace wine_bridge
