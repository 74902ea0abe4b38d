#include "tools/live/web_address.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <charconv>
#include <optional>

#include "engine/error.h"

namespace saccade {
namespace {

using boost::asio::ip::address;

struct Parts {
  std::string host;                   ///< without brackets
  std::optional<std::uint16_t> port;  ///< where one is told
};

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return port;
}

/// "host", "host:port", "[v6]", "[v6]:port"
std::optional<Parts> split(std::string_view text) {
  Parts parts;
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

std::optional<address> ip(const std::string& host) {
  boost::system::error_code error;
  const address found = boost::asio::ip::make_address(host, error);
  if (error) return {};
  return found;
}

}  // namespace

bool WebAddress::loopback() const { return ip(host).value().is_loopback(); }

std::string WebAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

WebAddress web_address(std::string_view text) {
  WebAddress result;
  if (text.empty()) return result;
  if (const std::optional<std::uint16_t> port = port_of(text)) {
    result.port = *port;
    return result;
  }
  std::optional<Parts> parts = split(text);
  if (parts && parts->host == "localhost") parts->host = "127.0.0.1";
  if (!parts || !ip(parts->host))
    throw InputError(fmt::format(
        "--page {}: expected HOST:PORT, HOST being an IP address, as 127.0.0.1:8765 or [::1]:8765 (an experiment file "
        "that follows --page is taken for it: write the file first)",
        text));
  result.host = parts->host;
  result.port = parts->port.value_or(result.port);
  return result;
}

bool names_server(std::string_view host_header, bool loopback) {
  const std::optional<Parts> parts = split(host_header);
  if (!parts) return false;
  if (parts->host == "localhost") return true;
  if (const std::optional<address> found = ip(parts->host)) return !loopback || found->is_loopback();
  if (loopback) return false;
  boost::system::error_code error;
  const std::string own = boost::asio::ip::host_name(error);
  return !error && (parts->host == own || parts->host == own.substr(0, own.find('.')));
}

}  // namespace saccade
