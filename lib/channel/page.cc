// SPDX-License-Identifier: LGPL-2.1-or-later
// page.cc: the connection's page and the pipe's page.
#include "channel/page.hpp"

#include <cassert>
#include <cstring>
#include <new>

namespace ntpipe::channel {
namespace {

constexpr int descriptor_attempts = 1000;

// std::atomic_ref takes nothing const before C++26; it only loads.
std::byte load_acquire(const std::byte& byte)
{
    return std::atomic_ref(const_cast<std::byte&>(byte)).load(std::memory_order_acquire);
}

} // namespace

ConnectionView::ConnectionView(std::unique_ptr<Memory> memory, Side side)
    : memory_(std::move(memory)),
      page_(std::launder(reinterpret_cast<ConnectionPage*>(memory_->bytes().data()))),
      side_(side)
{
    assert(memory_->bytes().size() >= connection_page_size);
}

bool ConnectionView::attach()
{
    std::uint32_t expected = connection_state::offered;
    return page_->state.compare_exchange_strong(expected, connection_state::attached, std::memory_order_seq_cst);
}

bool ConnectionView::withdraw()
{
    std::uint32_t expected = connection_state::offered;
    return page_->state.compare_exchange_strong(expected, connection_state::withdrawn, std::memory_order_seq_cst);
}

void ConnectionView::say_closed()
{
    page_->state.fetch_or(side_ == Side::client ? connection_state::client_closed : connection_state::server_closed,
                          std::memory_order_seq_cst);
}

void ConnectionView::say_disconnected()
{
    page_->state.fetch_or(connection_state::disconnected, std::memory_order_seq_cst);
}

void ConnectionView::set_wants(std::uint32_t wants)
{
    page_->sleepers[static_cast<std::size_t>(side_)].wants.store(wants, std::memory_order_seq_cst);
}

PipeView::PipeView(std::shared_ptr<const Memory> memory)
    : memory_(std::move(memory)), page_(std::launder(reinterpret_cast<const PipePage*>(memory_->bytes().data())))
{
    assert(memory_->bytes().size() >= pipe_page_size);
}

std::uint32_t PipeView::current_instances() const
{
    return page_->current_instances.load(std::memory_order_seq_cst);
}

std::int64_t PipeView::default_timeout() const
{
    return static_cast<std::int64_t>(page_->default_timeout.load(std::memory_order_acquire));
}

std::optional<glue::ByteVector> PipeView::descriptor() const
{
    const std::byte* text = memory_->bytes().data() + sizeof(PipePage);
    for (int attempt = 0; attempt < descriptor_attempts; ++attempt) {
        const std::uint32_t before = page_->generation.load(std::memory_order_acquire);
        const std::uint32_t size = page_->descriptor_size.load(std::memory_order_acquire);
        if (before % 2 != 0 || size > maximum_descriptor_size) {
            continue;
        }
        glue::ByteVector copy(size);
        for (std::size_t i = 0; i < size; ++i) {
            copy[i] = load_acquire(text[i]); // keeps the load of generation below behind it
        }
        if (page_->generation.load(std::memory_order_relaxed) == before) {
            return copy;
        }
    }
    return std::nullopt;
}

PipePageWriter::PipePageWriter(std::unique_ptr<Memory> memory, std::uint64_t pipe)
    : memory_(std::move(memory)), page_(std::launder(reinterpret_cast<PipePage*>(memory_->bytes().data())))
{
    assert(memory_->bytes().size() >= pipe_page_size);
    page_->magic = pipe_magic;
    page_->version = layout_version;
    page_->pipe = pipe;
}

PipePageWriter PipePageWriter::adopt(std::unique_ptr<Memory> memory, std::uint64_t pipe)
{
    PipePageWriter writer;
    auto* page = std::launder(reinterpret_cast<PipePage*>(memory->bytes().data()));
    if (memory->bytes().size() >= pipe_page_size && page->magic == pipe_magic && page->version == layout_version &&
        page->pipe == pipe) {
        writer.memory_ = std::move(memory);
        writer.page_ = page;
    }
    return writer;
}

void PipePageWriter::set_current_instances(std::uint32_t count)
{
    page_->current_instances.store(count, std::memory_order_seq_cst);
}

void PipePageWriter::set_attributes(std::int64_t default_timeout, glue::ByteSpan descriptor)
{
    assert(descriptor.size() <= maximum_descriptor_size);
    const std::uint32_t generation = page_->generation.load(std::memory_order_relaxed) | 1U;
    page_->generation.store(generation, std::memory_order_seq_cst);
    std::byte* text = memory_->bytes().data() + sizeof(PipePage);
    for (std::size_t i = 0; i < descriptor.size(); ++i) {
        std::atomic_ref(text[i]).store(descriptor[i], std::memory_order_relaxed);
    }
    page_->descriptor_size.store(static_cast<std::uint32_t>(descriptor.size()), std::memory_order_release);
    page_->default_timeout.store(static_cast<std::uint64_t>(default_timeout), std::memory_order_release);
    page_->generation.store(generation + 1, std::memory_order_release);
}

} // namespace ntpipe::channel
