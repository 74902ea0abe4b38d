#include "streams/network/stream_register.h"

#include <fmt/format.h>

#include "streams/network/wire.h"

namespace saccade {

std::optional<ArrivalLogs::Place> StreamRegister::enter(const std::string& what, const std::string& name) {
  wire::check_stream_name(what, name);
  if (present_.contains(name))  // of a sender that comes back, the lost connection may not have been noticed yet
    throw RefusedForNow(fmt::format("{}: stream \"{}\" is already being sent over another connection", what, name));
  const auto place = logs_.find(name);
  if (!place && logs_.streams() >= most_)
    throw InputError(fmt::format("{}: there are {} streams already, as many as stream.streams allows", what, most_));
  if (!place && logs_.streams() + fresh_.size() >= most_)
    throw RefusedForNow(fmt::format(
        "{}: as many senders as stream.streams allows, {}, are there, some of which have not sent an event yet", what,
        most_));
  present_.insert(name);
  if (!place) fresh_.insert(name);
  return place;
}

ArrivalLogs::Place StreamRegister::begin(const std::string& name) {
  const ArrivalLogs::Place place = logs_.begin(name);
  fresh_.erase(name);
  return place;
}

void StreamRegister::leave(const std::string& name) {
  present_.erase(name);
  fresh_.erase(name);
}

}  // namespace saccade
