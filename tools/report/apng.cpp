#include "tools/report/apng.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>
#include <string_view>

namespace saccade {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Span = std::span<const std::uint8_t>;

void put(Bytes& out, std::uint32_t value, int bytes = 4) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint32_t number(Span bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

/// Length, type, payload, CRC-32 of type and payload.
void chunk(Bytes& out, std::string_view type, Span payload) {
  put(out, static_cast<std::uint32_t>(payload.size()));
  const std::size_t start = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), payload.begin(), payload.end());
  put(out, static_cast<std::uint32_t>(crc32(0, out.data() + start, static_cast<uInt>(out.size() - start))));
}

constexpr std::size_t signature_bytes = 8, around_payload = 12;

/// f(type, payload, whole chunk) for each chunk of a PNG that encode_png() made.
template <class F>
void for_each_chunk(Span file, const F& f) {
  for (std::size_t at = signature_bytes; at < file.size();) {
    const std::size_t length = number(file.subspan(at));
    const std::string_view type(reinterpret_cast<const char*>(file.data() + at + 4), 4);
    f(type, file.subspan(at + 8, length), file.subspan(at, length + around_payload));
    at += length + around_payload;
  }
}

Bytes frame_control(const AnimationFrame& frame, std::uint32_t sequence) {
  Bytes payload;
  put(payload, sequence);
  put(payload, static_cast<std::uint32_t>(frame.picture.width));
  put(payload, static_cast<std::uint32_t>(frame.picture.height));
  put(payload, 0);  // x and y of the frame
  put(payload, 0);
  put(payload, static_cast<std::uint32_t>(std::clamp(std::lround(frame.seconds * 1000), 1L, 65535L)), 2);
  put(payload, 1000, 2);  // in milliseconds
  put(payload, 0, 2);     // keep the picture when the next comes, which replaces all of it
  return payload;
}

}  // namespace

std::vector<std::uint8_t> encode_apng(const std::vector<AnimationFrame>& frames) {
  if (frames.empty()) throw std::invalid_argument("encode_apng: no frames");
  Bytes out;
  std::uint32_t sequence = 0;
  for (const AnimationFrame& frame : frames) {
    const Picture &first = frames.front().picture, &picture = frame.picture;
    if (picture.height != first.height || picture.width != first.width || picture.channels != first.channels)
      throw std::invalid_argument("encode_apng: frames of different sizes");
    const bool leads = &frame == &frames.front();
    const Bytes file = encode_png(picture);
    if (leads) out.assign(file.begin(), file.begin() + signature_bytes);
    bool controlled = false;
    for_each_chunk(file, [&](std::string_view type, Span payload, Span whole) {
      if (type == "IDAT") {
        if (!controlled) chunk(out, "fcTL", frame_control(frame, sequence++));
        controlled = true;
        if (leads) {
          chunk(out, type, payload);
        } else {
          Bytes data;
          put(data, sequence++);
          data.insert(data.end(), payload.begin(), payload.end());
          chunk(out, "fdAT", data);
        }
      } else if (leads && type != "IEND") {
        out.insert(out.end(), whole.begin(), whole.end());
        if (type != "IHDR") return;
        Bytes animation;
        put(animation, static_cast<std::uint32_t>(frames.size()));
        put(animation, 0);  // repeat without end
        chunk(out, "acTL", animation);
      }
    });
  }
  chunk(out, "IEND", {});
  return out;
}

}  // namespace saccade
