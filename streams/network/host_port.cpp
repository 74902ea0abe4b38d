#include "streams/network/host_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace saccade {

std::string HostPort::text() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port ? fmt::format("{}:{}", name, *port) : name;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return port;
}

std::optional<HostPort> split_host_port(std::string_view text) {
  HostPort parts;
  const std::size_t end = text.starts_with('[') ? text.find(']') : text.find(':');
  if (text.starts_with('[')) {
    if (end == std::string_view::npos) return {};
    parts.host = text.substr(1, end - 1);
    if (parts.host.find(':') == std::string::npos) return {};
    text.remove_prefix(end + 1);
  } else {
    parts.host = text.substr(0, end);
    text.remove_prefix(std::min(end, text.size()));
  }
  if (parts.host.empty()) return {};
  if (text.empty()) return parts;
  parts.port = port_of(text.substr(1));
  if (!text.starts_with(':') || !parts.port) return {};
  return parts;
}

}  // namespace saccade
