#pragma once
#include <fmt/format.h>

#include <cstdio>
#include <string_view>

namespace saccade {

/// Text for people on standard error, as it is. Where it cannot be written (closed, a full disk) it is lost, and
/// nothing else is: what a program does must not depend on whether anybody listens.
inline void put_on_stderr(std::string_view text) noexcept {
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  (void)std::fflush(stderr);
}

/// A line of this program: "saccade: ...".
template <class... Values>
void tell(fmt::format_string<Values...> text, Values&&... values) {
  put_on_stderr("saccade: " + fmt::format(text, std::forward<Values>(values)...) + "\n");
}

}  // namespace saccade
