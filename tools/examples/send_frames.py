#!/usr/bin/env python3
"""Sends frames to `saccade serve` and prints what each of them did: the wire in Python, to copy from.

    saccade serve --listen 127.0.0.1:8764 --out runs/live
    send_frames.py --to 127.0.0.1:8764 --size 28x28x1                       (blobs that drift)
    ffmpeg -i CLIP -vf scale=32:32 -f rawvideo -pix_fmt rgb24 - | send_frames.py --to 127.0.0.1:8764 --raw

Needs Debian's python3-flatbuffers, and its flatbuffers-compiler (flatc), which makes Python of the schemas (--schemas).
How it goes: a greeting, and a welcome back; then views, and a saccade where the eye turns to another object. An answer
to each comes back meanwhile: a thread of its own reads them, for a server whose answers are not read stops reading.
"""
import argparse
import importlib
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

try:
    import flatbuffers
except ImportError:
    sys.exit("send_frames.py: the Python module flatbuffers is missing: apt-get install python3-flatbuffers")

# Types of records, and the framing of both directions: streams/network/wire.h and engine/record_file.h say every byte.
VIEW, SACCADE, VIEWS, END, HELLO, WELCOME, ANSWER, REFUSAL = 1, 2, 4, 5, 7, 8, 9, 10
MAGIC, MARKER = b"SACCADE\x1a", b"SREC"


def crc32c_of_byte(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


CRC_TABLE = [crc32c_of_byte(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def file_header(kind):
    version, name = struct.pack("<I", 1), kind.encode().ljust(16, b"\0")
    return MAGIC + version + struct.pack("<I", crc32c(MAGIC + version + name)) + name


def record_crc(position, kind, length, body):
    return crc32c(struct.pack("<QII", position, length, kind) + body)


class Connection:
    """Records over a socket; the position of each, in its direction, is part of its checksum."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.socket.sendall(file_header("views"))
        self.sent, self.read = 32, 0

    def send(self, kind, payload):
        body = payload + bytes(-len(payload) % 8)
        crc = record_crc(self.sent, kind, len(payload), body)
        record = MARKER + struct.pack("<III", len(payload), kind, crc) + body
        self.socket.sendall(record)
        self.sent += len(record)

    def receive(self):
        """(type, payload), or None when the server has closed."""
        if self.read == 0:
            if self.input.read(32) != file_header("answers"):
                raise ConnectionError("this is no saccade serve")
            self.read = 32
        head = self.input.read(16)
        if len(head) < 16:
            return None
        length, kind, crc = struct.unpack("<III", head[4:])
        body = self.input.read(length + -length % 8)
        if head[:4] != MARKER or crc != record_crc(self.read, kind, length, body):
            raise ConnectionError("a damaged record")
        self.read += 16 + len(body)
        return kind, body[:length]


class Messages:
    """Payloads, by the Python that flatc makes of the schemas."""

    def __init__(self, schemas):
        with tempfile.TemporaryDirectory() as folder:
            files = [str(schemas / name) for name in ("wire.fbs", "views.fbs")]
            try:
                subprocess.run(["flatc", "--python", "--gen-all", "-o", folder] + files, check=True)
            except FileNotFoundError:
                sys.exit("send_frames.py: flatc is missing: apt-get install flatbuffers-compiler")
            sys.path.insert(0, folder)
            for name in ("Hello", "Views", "View", "Saccade", "Welcome", "Answer", "Refusal", "Update", "Term"):
                setattr(self, name, importlib.import_module("saccade.fb." + name))
        # What flatc 2.0 forgets to import where a schema includes another.
        self.Answer.Update, self.Update.Term = self.Update.Update, self.Term.Term

    def table(self, name, **fields):
        """A finished payload; text and bytes become strings and vectors, fields that are left out their defaults."""
        builder, module = flatbuffers.Builder(1024), getattr(self, name)
        for field, value in fields.items():
            if isinstance(value, str):
                fields[field] = builder.CreateString(value)
            elif isinstance(value, bytes):
                fields[field] = builder.CreateByteVector(value)
            elif isinstance(value, list):  # of floats
                builder.StartVector(4, len(value), 4)
                for number in reversed(value):
                    builder.PrependFloat32(number)
                fields[field] = builder.EndVector()
        getattr(module, name + "Start")(builder)
        for field, value in fields.items():
            getattr(module, name + "Add" + field)(builder, value)
        builder.Finish(getattr(module, name + "End")(builder))
        return bytes(builder.Output())

    def root(self, name, payload):
        return getattr(getattr(self, name), name).GetRootAs(payload, 0)


def drifting_blobs(shape, views, rng):
    """One blob of random colour, size and place for each fixation, moved a little for each of its views."""
    height, width, channels = shape
    while True:
        size = rng.uniform(0.1, 0.3) * width
        x, y = rng.uniform(0.25, 0.75) * width, rng.uniform(0.25, 0.75) * height
        back, front = ([rng.randrange(256) for _ in range(channels)] for _ in range(2))
        for _ in range(views):
            frame = bytearray()
            for row in range(height):
                for column in range(width):
                    frame += bytes(front if (row - y) ** 2 + (column - x) ** 2 < size**2 else back)
            yield bytes(frame)
            x, y = x + rng.uniform(-2, 2), y + rng.uniform(-2, 2)


def raw_frames(shape, file):
    size = shape[0] * shape[1] * shape[2]
    while len(frame := file.read(size)) == size:
        yield frame
    if frame:
        sys.exit(f"standard input ends in a frame: {len(frame)} bytes, expected {size}")


def read_answers(connection, messages, counts):
    """Until the server closes. Losses are those of the comparisons with remembered views that the view caused."""
    while record := connection.receive():
        kind, payload = record
        if kind == REFUSAL:
            counts["refusal"] = messages.root("Refusal", payload).Text().decode()
            return
        answer = messages.root("Answer", payload)
        updates = [answer.Updates(i) for i in range(answer.UpdatesLength())]
        losses = [sum(u.Terms(i).Loss() for i in range(u.TermsLength())) for u in updates]
        counts["answers"] += 1
        counts["dropped"] += answer.Dropped()
        counts["updated"] += answer.Updated()
        state = "dropped" if answer.Dropped() else "learned" if answer.Updated() else "seen"
        print(f"event {answer.Event()}: {state}", *(f"{loss:.4f}" for loss in losses), flush=True)


def schemas_folder():
    here = pathlib.Path(__file__).resolve().parent
    for folder in (here, here.parent.parent / "engine" / "schemas"):  # installed; in the sources
        if (folder / "wire.fbs").exists():
            return folder
    return here


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True, metavar="HOST:PORT")
    parser.add_argument("--name", default="frames", help="the stream's name at the server")
    parser.add_argument("--token-file", type=pathlib.Path, help="file with the token that the server asks for")
    parser.add_argument("--size", default="32x32x3", metavar="HxWxC", help="of a frame; 1 channel or 3")
    parser.add_argument("--raw", action="store_true", help="frames of bytes from standard input")
    parser.add_argument("--frames", type=int, default=200, help="how many blobs")
    parser.add_argument("--views", type=int, default=2, help="of each object, then a saccade")
    parser.add_argument("--rate", type=float, default=30, help="frames a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--schemas", type=pathlib.Path, default=schemas_folder(), help="folder of wire.fbs, views.fbs")
    options = parser.parse_args()
    shape = [int(number) for number in options.size.split("x")]
    if len(shape) != 3 or shape[2] not in (1, 3):
        parser.error(f"--size {options.size}: expected HEIGHTxWIDTHxCHANNELS with 1 or 3 channels")
    if not options.rate > 0:
        parser.error(f"--rate {options.rate:g}: expected more than 0 frames a second")
    host, _, port = options.to.rpartition(":")

    messages = Messages(options.schemas)
    connection = Connection(host.strip("[]"), int(port))
    token = options.token_file.read_text().split()[0] if options.token_file else ""
    connection.send(HELLO, messages.table("Hello", Stream=options.name, Token=token))
    kind, payload = connection.receive() or sys.exit("the server has closed the connection")
    if kind == REFUSAL:
        sys.exit("the server refuses: " + messages.root("Refusal", payload).Text().decode())
    welcome = messages.root("Welcome", payload)

    counts = {"answers": 0, "dropped": 0, "updated": 0, "refusal": ""}
    reader = threading.Thread(target=read_answers, args=(connection, messages, counts), daemon=True)
    reader.start()
    views = messages.table("Views", Height=shape[0], Width=shape[1], Channels=shape[2], Content=1)
    connection.send(VIEWS, views)
    # A stream that the server knows goes on behind what it has: later, with another fixation.
    start, fixation, events = 0, 0, 0
    if welcome.Accepted() > 0:
        start, fixation = welcome.Time() + 1, welcome.Fixation() + 1
        if welcome.Looking():
            connection.send(SACCADE, messages.table("Saccade", Time=start, Fixation=welcome.Fixation()))
            events += 1
    if options.raw:
        frames = raw_frames(shape, sys.stdin.buffer)
    else:
        blobs = drifting_blobs(shape, options.views, random.Random(options.seed))
        frames = (frame for _, frame in zip(range(options.frames), blobs))
    begin = time.monotonic()
    try:
        for number, frame in enumerate(frames):
            now, index = start + round((number + 1) * 1e6 / options.rate), number % options.views
            if number > 0 and index == 0:
                connection.send(SACCADE, messages.table("Saccade", Time=now, Fixation=fixation))
                fixation, events = fixation + 1, events + 1
            time.sleep(max(0, begin + number / options.rate - time.monotonic()))
            view = messages.table("View", Time=now, Fixation=fixation, Index=index, Source=number, Parameters=[0.0] * 12,
                                  Pixels=frame)
            connection.send(VIEW, view)
            events += 1
        connection.send(END, views)
    except OSError as error:  # the reader may know why
        counts["refusal"] = counts["refusal"] or str(error)
    reader.join()
    print(f"{events} events, {counts['answers']} answers, {counts['updated']} updates, {counts['dropped']} dropped")
    if counts["refusal"] or counts["answers"] < events:
        sys.exit("the server ended it: " + (counts["refusal"] or "it has closed the connection"))


main()
