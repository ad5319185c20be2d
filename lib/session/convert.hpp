// SPDX-License-Identifier: LGPL-2.1-or-later
// convert.hpp: between what goes over the wire and what the layers work with. Both sides of the control protocol use it.
#pragma once

#include "end/types.hpp"
#include "namespace/types.hpp"
#include "security/identity.hpp"
#include "wire/messages.hpp"

#include <memory>

namespace ntpipe::session {

[[nodiscard]] wire::Identity identity_to(const security::Identity& identity);
[[nodiscard]] security::Identity identity_from(wire::Identity identity);

[[nodiscard]] wire::Attributes attributes_to(const space::InstanceAttributes& attributes);
/// `options`: this end's create options, which nobody else needs to know.
[[nodiscard]] end::Attributes attributes_from(const wire::Attributes& attributes, std::uint32_t options,
                                              std::shared_ptr<const channel::PipeView> page);

} // namespace ntpipe::session
