#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "engine/frame_parser.h"
#include "engine/recorder.h"
#include "engine/view_file.h"

/// A stream of events over TCP. Each direction is, byte for byte, a record file (engine/record_file.h), the positions
/// in the CRCs being those of the connection; payloads are FlatBuffers (schemas/wire.fbs, views.fbs, events.fbs).
///
///   to the server, kind "views": what `saccade pack --pixels` writes, with a greeting in front
///     type 7  Hello: the stream's name and the token. May be missing where no token is asked for: the stream is then
///             called "stream", and a file of views can be sent as it is (nc HOST PORT < F.views)
///     type 4  Views: size of the views, which come as pixels
///     type 1  View, type 2  Saccade: the events. The field `stream` is ignored: it is the connection's
///     type 5  Views once more: the end. The server answers what is left and closes
///   back, kind "answers"
///     type 8   Welcome: how far this stream has got, so that a sender goes on there. A sender waits for it
///     type 9   Answer: one for each event, in their order but for dropped ones, which are answered at once. Whoever
///              reads it knows that its event survives the death of the server
///     type 10  Refusal: why the server closes. The last record
///
/// All of it goes in clear. Readers are for either end; their errors are InputError.
namespace saccade::wire {

inline constexpr std::string_view events_kind = "views", answers_kind = "answers";
inline constexpr std::string_view default_stream = "stream";
/// Room in a record beside a view's pixels, and the most that any other message takes.
inline constexpr std::uint32_t most_overhead = 64 << 10;

/// 1 to 64 of a-z A-Z 0-9 - _ . and no . in front: a name of a folder, too. InputError for another.
void check_stream_name(const std::string& what, const std::string& name);

struct Hello {
  std::string stream, token;
};
struct Welcome {
  std::uint64_t accepted = 0;
  std::uint32_t stream = 0;
  Time time = 0;
  std::uint64_t fixation = 0;
  std::uint32_t index = 0;
  bool looking = false;

  /// Whether this event of the stream has been accepted, or lies before one that has.
  bool covers(const Event& event) const;
};
struct Answer {
  std::uint64_t event = 0;
  bool dropped = false, updated = false;
  std::vector<UpdateRecord> updates;
};

/// One direction of a connection as it is written: records collected in bytes() until take() has them.
class Writer {
 public:
  explicit Writer(std::string_view kind);
  Writer(Writer&&) noexcept;
  ~Writer();

  void hello(const Hello& hello);
  void views(const ViewFileHeader& header, bool end);
  void event(const Event& event);
  void welcome(const Welcome& welcome);
  void answer(const Answer& answer);
  void refusal(const std::string& text, bool for_now = false);

  std::size_t size() const { return bytes_.size(); }
  frame::Bytes take();

 private:
  struct Encoder;
  template <class Table>
  void append(std::uint32_t type, const Table& root);

  std::unique_ptr<Encoder> encoder_;
  std::uint64_t position_ = 0;
  frame::Bytes bytes_;
};

/// `what` names the connection in messages. InputError for a payload that is not valid.
Hello read_hello(const std::string& what, const Record& record);
Welcome read_welcome(const std::string& what, const Record& record);
Answer read_answer(const std::string& what, const Record& record);
std::string read_refusal(const std::string& what, const Record& record);
/// Whether a refusal says that the same may be let in a little later.
bool is_for_now(const std::string& what, const Record& refusal);

}  // namespace saccade::wire
