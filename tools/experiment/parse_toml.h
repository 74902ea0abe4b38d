#pragma once
#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace saccade {

/// A TOML document. InputError with line and column, `origin` in front; as well for one that is so large, or whose keys
/// have so many parts (a.b.c), that reading it would take the stack or the day.
toml::table parse_toml(std::string_view text, const std::string& origin);

/// The latter alone, for text that stands elsewhere.
void check_toml_size(std::string_view text, const std::string& origin);

}  // namespace saccade
