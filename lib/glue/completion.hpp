// SPDX-License-Identifier: LGPL-2.1-or-later
// completion.hpp: decide first, complete afterwards: what is over waits in a queue until nobody is in the middle of a change.
#pragma once

#include "glue/list.hpp"

namespace ntpipe::glue {

/// Something that somebody waits for.
class Completion : public ListNode {
public:
    Completion() = default;
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;
    virtual ~Completion() = default;
    /// It is over. Called by Completions, once. May destroy the object, and start or destroy anything else.
    virtual void completed() = 0;
};

class Completions {
public:
    Completions() = default;
    Completions(const Completions&) = delete;
    Completions& operator=(const Completions&) = delete;
    virtual ~Completions() = default;

    void add(Completion& completion)
    {
        const bool first = list_.empty();
        list_.push_back(completion);
        if (first) {
            wanted();
        }
    }
    [[nodiscard]] bool empty() const { return list_.empty(); }
    /// Calls back for the oldest one. False: there is none.
    bool fire_one()
    {
        Completion* completion = list_.pop_front();
        if (completion == nullptr) {
            return false;
        }
        completion->completed();
        return true;
    }

protected:
    /// The first one has come in: somebody should call fire_one() soon, but not from within.
    virtual void wanted() = 0;

private:
    List<Completion> list_;
};

} // namespace ntpipe::glue
