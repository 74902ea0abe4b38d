#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

namespace saccade {

/// Opens an acceptor at an IP address. InputError, naming the flag that asked for it, when one cannot listen there.
void listen(boost::asio::ip::tcp::acceptor& acceptor, std::string_view flag, const std::string& host,
            std::uint16_t port);

}  // namespace saccade
