#include "tools/live/web_address.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <optional>

#include "engine/error.h"
#include "streams/network/host_port.h"

namespace saccade {
namespace {

using boost::asio::ip::address;

std::optional<address> ip(const std::string& host) {
  boost::system::error_code error;
  const address found = boost::asio::ip::make_address(host, error);
  if (error) return {};
  return found;
}

}  // namespace

bool WebAddress::loopback() const { return ip(host).value().is_loopback(); }

bool WebAddress::all() const { return ip(host).value().is_unspecified(); }

std::string WebAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

WebAddress web_address(std::string_view text, std::string_view flag, const WebAddress& otherwise) {
  WebAddress result = otherwise;
  if (text.empty()) return result;
  if (const std::optional<std::uint16_t> port = port_of(text)) {
    result.port = *port;
    return result;
  }
  std::optional<HostPort> parts = split_host_port(text);
  if (parts && parts->host == "localhost") parts->host = "127.0.0.1";
  if (!parts || !ip(parts->host))
    throw InputError(fmt::format(
        "{} {}: expected HOST:PORT, HOST being an IP address, as 127.0.0.1:{} or [::1]:{}{}", flag, text,
        otherwise.port, otherwise.port,
        flag == "--page" ? " (an experiment file that follows --page is taken for it: write the file first)" : ""));
  result.host = parts->host;
  result.port = parts->port.value_or(result.port);
  return result;
}

bool names_server(std::string_view host_header, bool loopback) {
  const std::optional<HostPort> parts = split_host_port(host_header);
  if (!parts) return false;
  if (parts->host == "localhost") return true;
  if (const std::optional<address> found = ip(parts->host)) return !loopback || found->is_loopback();
  if (loopback) return false;
  boost::system::error_code error;
  const std::string own = boost::asio::ip::host_name(error);
  return !error && (parts->host == own || parts->host == own.substr(0, own.find('.')));
}

}  // namespace saccade
