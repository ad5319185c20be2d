// SPDX-License-Identifier: LGPL-2.1-or-later
// list.hpp: an intrusive first-in first-out list whose members leave by themselves when they are destroyed.
#pragma once

#include <cstddef>

namespace ntpipe::glue {

/// A member is in one list at most. Linking allocates nothing.
class ListNode {
public:
    ListNode() : next_(this), previous_(this) {}
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;
    ~ListNode() { unlink(); }

    [[nodiscard]] bool linked() const { return next_ != this; }
    void unlink()
    {
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = this;
    }

private:
    template <typename T>
    friend class List;
    ListNode* next_;
    ListNode* previous_;
};

/// T derives from ListNode. The list owns nothing.
template <typename T>
class List {
public:
    [[nodiscard]] bool empty() const { return !head_.linked(); }
    [[nodiscard]] T* front() const { return empty() ? nullptr : static_cast<T*>(head_.next_); }
    [[nodiscard]] T* after(const T& member) const
    {
        ListNode* next = static_cast<const ListNode&>(member).next_;
        return next == &head_ ? nullptr : static_cast<T*>(next);
    }
    void push_back(T& member)
    {
        ListNode& node = member;
        node.unlink();
        node.next_ = &head_;
        node.previous_ = head_.previous_;
        head_.previous_->next_ = &node;
        head_.previous_ = &node;
    }
    T* pop_front()
    {
        T* member = front();
        if (member != nullptr) {
            static_cast<ListNode*>(member)->unlink();
        }
        return member;
    }
    [[nodiscard]] std::size_t count() const
    {
        std::size_t n = 0;
        for (const ListNode* node = head_.next_; node != &head_; node = node->next_) {
            ++n;
        }
        return n;
    }

private:
    mutable ListNode head_;
};

} // namespace ntpipe::glue
