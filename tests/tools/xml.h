#pragma once
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace saccade {

/// Whether text is one well-formed XML element with text and children, as our SVG is: tags nest and close, attributes
/// are quoted, no stray "<" or "&". Says what is wrong, or nothing.
inline std::string xml_fault(std::string_view text) {
  std::vector<std::string> open;
  bool seen = false;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '&') {
      const std::size_t end = text.find(';', i);
      if (end == std::string_view::npos || end - i > 6) return "stray & at " + std::to_string(i);
      i = end + 1;
    } else if (text[i] != '<') {
      if (open.empty() && !std::isspace(static_cast<unsigned char>(text[i])))
        return "text outside at " + std::to_string(i);
      ++i;
    } else {
      std::size_t end = i + 1;
      for (bool quoted = false; end < text.size() && (quoted || text[end] != '>'); ++end) {
        if (text[end] == '"') quoted = !quoted;
        if (text[end] == '<') return "< inside a tag at " + std::to_string(end);
      }
      if (end >= text.size()) return "open tag at " + std::to_string(i);
      std::string tag(text.substr(i + 1, end - i - 1));
      i = end + 1;
      if (tag[0] == '/') {
        if (open.empty() || open.back() != tag.substr(1)) return "unexpected <" + tag + ">";
        open.pop_back();
        continue;
      }
      if (open.empty() && seen) return "second root <" + tag + ">";
      seen = true;
      if (tag.back() != '/') open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  if (!open.empty()) return "not closed: " + open.back();
  return seen ? "" : "no element";
}

}  // namespace saccade
