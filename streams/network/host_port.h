#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace saccade {

/// Where a peer is.
struct HostPort {
  std::string host;                   ///< a name or an IP address, one of version 6 without its brackets
  std::optional<std::uint16_t> port;  ///< where one is told

  /// "host:port", "[v6]:port"
  std::string text() const;
};

std::optional<std::uint16_t> port_of(std::string_view text);
/// "host", "host:port", "[v6]", "[v6]:port"; nothing for anything else.
std::optional<HostPort> split_host_port(std::string_view text);

}  // namespace saccade
