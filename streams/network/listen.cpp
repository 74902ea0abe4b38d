#include "streams/network/listen.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "streams/network/host_port.h"

namespace saccade {

using boost::asio::ip::tcp;

void listen(tcp::acceptor& acceptor, std::string_view flag, const std::string& host, std::uint16_t port) {
  try {
    const tcp::endpoint endpoint(boost::asio::ip::make_address(host), port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
  } catch (const boost::system::system_error& error) {
    throw InputError(
        fmt::format("{} {}: cannot listen there: {}; expected an IP address of this machine and a port that is free "
                    "(0: any)",
                    flag, HostPort{host, port}.text(), error.code().message()));
  }
}

}  // namespace saccade
