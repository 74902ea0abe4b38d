#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace saccade {

/// Where a page is served, or events are taken.
struct WebAddress {
  std::string host = "127.0.0.1";  ///< an IP address
  std::uint16_t port = 8765;       ///< 0: any that is free
  bool loopback() const;
  /// Whether all addresses of this machine are meant (0.0.0.0, [::]).
  bool all() const;
  /// "127.0.0.1:8765", "[::1]:8765"
  std::string text() const;
};

/// "HOST:PORT", "HOST" or "PORT", HOST being an IP address (one of version 6 in brackets) or localhost; the rest as in
/// `otherwise`. InputError, naming the flag.
WebAddress web_address(std::string_view text, std::string_view flag = "--page", const WebAddress& otherwise = {});

/// Whether a request's Host header names the server itself: any port (a tunnel may change it), and as host an IP
/// address, localhost or the name of this machine; on loopback only the loopback addresses and localhost. A name that
/// someone else's DNS can turn to this machine (rebinding) is none of them.
bool names_server(std::string_view host_header, bool loopback);

}  // namespace saccade
