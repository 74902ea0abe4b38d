#pragma once
#include <string>
#include <string_view>

namespace saccade {

/// Text as HTML or XML content or attribute value: & < > " ' escaped; bytes that are not valid UTF-8 and control
/// characters that XML forbids become a replacement character.
std::string escape_html(std::string_view text);

/// A complete page: one file, no network; light, dark and print. `body` is HTML, `title` is text.
std::string html_page(std::string_view title, std::string_view body);

}  // namespace saccade
