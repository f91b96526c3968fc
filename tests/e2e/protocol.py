"""A second implementation of docs/PROTOCOL.md, written from that page alone.

Blocking, with a deadline on every wait.  Three layers, so that a test can
stand where it needs to:

    encode, Decoder     frames and bytes, no socket
    Wire                TLS, raw bytes and frames in both directions
    Session             a client as a program would write it
"""

import collections
import os
import socket
import ssl
import struct
import time

import cbor2

ALPN = "sicher/1"
VERSION = 1
MAX_EARLY = 4096
MAX_FRAME = 65536
MAX_BODY = 61440
WAIT = 10.0  # Seconds that a test waits for anything, unless it says so.
PLENTY = 1 << 50  # A credit nobody uses up.

# Section 2: the types.
CLIENT_FRAMES = {
    "HELLO": (1, "version features agent"),
    "AUTH": (3, "password"),
    "RESUME": (4, "token"),
    "PASSWORD": (6, "ref old new"),
    "LOGOUT": (8, "ref"),
    "SEND": (16, "ref target id content_type body"),
    "SYNC": (18, "ref consumer frames bytes takeover"),
    "ACK": (21, "seq"),
    "CREDIT": (22, "frames bytes"),
    "HISTORY": (23, "ref target before after limit"),
    "READ": (26, "ref target seq"),
    "RECEIPTS": (27, "ref target"),
    "SIGNAL": (29, "ref target kind data"),
    "ROOM_CREATE": (32, "ref room open topic"),
    "ROOM_JOIN": (33, "ref room"),
    "ROOM_LEAVE": (34, "ref room"),
    "ROOM_INVITE": (35, "ref room account"),
    "ROOM_REMOVE": (36, "ref room account"),
    "ROOM_LIST": (37, "ref"),
    "ROOM_MEMBERS": (38, "ref room"),
    "ROOM_TOPIC": (39, "ref room topic"),
    "ROOM_DELETE": (42, "ref room"),
    "ROOM_HISTORY": (43, "ref room open"),
    "ROOM_ROLE": (44, "ref room account role"),
    "PING": (48, "nonce"),
    "PONG": (49, "nonce"),
    "PRESENCE_SET": (50, "ref state"),
    "PRESENCE_GET": (51, "ref target"),
    "DIRECTORY": (53, "ref account"),
    "BYE": (63, "code text"),
}
_MESSAGE = "seq time to sender device id content_type body expires=0"
SERVER_FRAMES = {
    "WELCOME": (2, "version features server account device now max_frame"),
    "READY": (5, "token token_until not_after"),
    "CHOOSE": (7, ""),
    "DONE": (14, "ref seq"),
    "ERROR": (15, "ref code text retry_ms"),
    "STORED": (17, "ref seq time duplicate"),
    "SYNCED": (19, "ref cursor head"),
    "DELIVER": (20, _MESSAGE),
    "ITEM": (24, "ref " + _MESSAGE),
    "END": (25, "ref count more"),
    "RECEIPT": (28, "ref target account kind seq"),
    "SIGNALED": (30, "to sender device kind data"),
    "ROOM": (40, "ref room topic open members joined history=False"),
    "MEMBER": (41, "ref account role"),
    "ROOM_CHANGED": (45, "seq room change account"),
    "PING": (48, "nonce"),
    "PONG": (49, "nonce"),
    "PRESENCE": (52, "ref account state seen"),
    "DEVICE": (54, "ref device fingerprint serial issuer not_after certificate"),
    "NOTICE": (62, "code text value"),
    "BYE": (63, "code text"),
}


def _kind_of(name, fields):
    """A tuple with these fields; name=value is one that was appended."""
    words = [word.partition("=") for word in fields.split()]
    values = {"False": False, "None": None, "0": 0}
    return collections.namedtuple(
        name, [word for word, _, _ in words],
        defaults=[values[value] for _, equals, value in words if equals])


_BY_NUMBER = {
    number: _kind_of(name, fields)
    for name, (number, fields) in SERVER_FRAMES.items()
}
# What comes by itself, to a client that named the feature in HELLO.
UNASKED = {"ROOM_CHANGED", "RECEIPT", "SIGNALED", "PRESENCE"}


class Closed(Exception):
    """The server ended the stream with close_notify."""


class Truncated(Exception):
    """The stream ended without close_notify."""


class Refused(Exception):
    """The server answered ERROR or BYE; .frame is that frame."""

    def __init__(self, frame):
        super().__init__(f"{frame.code}: {frame.text}")
        self.frame = frame
        self.code = frame.code


class TooLate(Exception):
    """The deadline passed."""


def new_id():
    """A message id as RFC 9562 has it: UUIDv7."""
    milliseconds = time.time_ns() // 1_000_000
    b = bytearray(milliseconds.to_bytes(6, "big") + os.urandom(10))
    b[6] = 0x70 | (b[6] & 0x0F)
    b[8] = 0x80 | (b[8] & 0x3F)
    return bytes(b)


def wrap(payload):
    """Any bytes as a frame: the length before them."""
    return struct.pack(">I", len(payload)) + payload


def encode(name, *fields):
    """A client's frame as bytes; name may be a bare number."""
    number = name if isinstance(name, int) else CLIENT_FRAMES[name][0]
    return wrap(cbor2.dumps([number, *fields]))


def decode(payload):
    """A server's frame from the bytes behind its length."""
    item = cbor2.loads(payload)
    if not isinstance(item, list) or not item:
        raise ValueError(f"not a frame: {payload!r}")
    kind = _BY_NUMBER.get(item[0])
    if kind is None:
        raise ValueError(f"a frame the page does not know: {item!r}")
    fields = item[1:]
    if len(fields) < len(kind._fields) - len(kind._field_defaults):
        raise ValueError(f"{kind.__name__} lacks fields: {item!r}")
    return kind(*fields[: len(kind._fields)])  # Trailing ones are ignored.


def kind(frame):
    return type(frame).__name__


class Decoder:
    """Bytes in, frames out; .size is the last frame's, length included."""

    def __init__(self):
        self._bytes = bytearray()
        self.size = 0

    def feed(self, data):
        self._bytes += data

    def next(self):
        if len(self._bytes) < 4:
            return None
        (n,) = struct.unpack_from(">I", self._bytes)
        assert 1 <= n <= MAX_FRAME, f"the server sent a frame of {n} bytes"
        if len(self._bytes) < 4 + n:
            return None
        payload = bytes(self._bytes[4 : 4 + n])
        del self._bytes[: 4 + n]
        self.size = 4 + n
        return decode(payload)


def client_context(ca, cert=None, key=None, alpn=(ALPN,)):
    """What section 1 asks of the client's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Python would take truncation for an end.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 1 << 7)
    context.load_verify_locations(ca)
    if cert:
        context.load_cert_chain(cert, key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class Wire:
    """TLS to the server: frames and raw bytes, each wait with a deadline."""

    def __init__(self, address, context, name="localhost", wait=WAIT):
        self.wait = wait
        self._decoder = Decoder()
        raw = socket.create_connection(address, timeout=wait)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.tls = context.wrap_socket(
                raw, server_hostname=name, suppress_ragged_eofs=False
            )
        except BaseException:
            raw.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Drop the connection, without a word."""
        self.tls.close()

    def finish(self):
        """End our side with close_notify."""
        self.tls.settimeout(self.wait)
        try:
            self.tls.unwrap()
        except (OSError, ssl.SSLError):
            pass
        self.close()

    def write(self, data):
        self.tls.settimeout(self.wait)
        self.tls.sendall(data)

    def send(self, name, *fields):
        self.write(encode(name, *fields))

    def receive(self, wait=None):
        """The next frame; Closed, Truncated or TooLate when there is none.

        An alert comes out as the ssl.SSLError that carries its name.
        """
        limit = time.monotonic() + (self.wait if wait is None else wait)
        while True:
            frame = self._decoder.next()
            if frame is not None:
                return frame
            left = limit - time.monotonic()
            if left <= 0 and not self.tls.pending():
                raise TooLate()
            self.tls.settimeout(max(left, 0.001))
            try:
                data = self.tls.recv(65536)
            except socket.timeout:
                raise TooLate() from None
            except ssl.SSLError as error:
                if error.reason == "UNEXPECTED_EOF_WHILE_READING":
                    raise Truncated() from None
                raise
            except ConnectionResetError:
                raise Truncated() from None
            if not data:
                raise Closed()
            self._decoder.feed(data)

    def there(self):
        """The frames that have come already."""
        self.tls.setblocking(False)
        try:
            while data := self.tls.recv(65536):
                self._decoder.feed(data)
        except ssl.SSLWantReadError:
            pass
        return list(iter(self._decoder.next, None))

    @property
    def size(self):
        """Bytes of the frame that receive returned last."""
        return self._decoder.size

    def ending(self, wait=None):
        """Read until the end; the frames that still came."""
        frames = []
        limit = time.monotonic() + (self.wait if wait is None else wait)
        try:
            while True:
                frames.append(self.receive(max(limit - time.monotonic(), 0)))
        except Closed:
            return frames


class Session(Wire):
    """A client: login, requests by ref, deliveries set aside in order."""

    def __init__(self, *args, agent="test", features=(), **more):
        super().__init__(*args, **more)
        self.agent = agent
        self.features = list(features)
        self.delivered = collections.deque()
        self.heard = collections.deque()  # Of the UNASKED, in order.
        self.notices = []
        self.token = None
        self._ref = 0

    # Section 3.

    def hello(self):
        self.send("HELLO", VERSION, self.features, self.agent)
        self.welcome = self.expect("WELCOME")
        return self.welcome

    def auth(self, password):
        """READY or CHOOSE; Refused otherwise."""
        self.send("AUTH", _octets(password))
        return self._ready(self.expect("READY", "CHOOSE"))

    def resume(self, token):
        self.send("RESUME", token)
        return self._ready(self.expect("READY"))

    def choose(self, secret, password):
        """Turn the one-time secret into a password; READY."""
        ref = self.ask("PASSWORD", _octets(secret), _octets(password))
        return self._ready(self.expect("READY", ref=ref))

    def _ready(self, frame):
        if kind(frame) == "READY":
            self.token = frame.token
        return frame

    def login(self, password):
        self.hello()
        return self.auth(password)

    # Requests.

    def ask(self, name, *fields):
        """Send a request with a fresh ref and return the ref."""
        self._ref += 1
        self.send(name, self._ref, *fields)
        return self._ref

    def call(self, answer, name, *fields):
        """A request and its answer."""
        return self.expect(answer, ref=self.ask(name, *fields))

    def post(self, target, body, id=None, content_type="text/plain", ttl=None):
        """SEND; the STORED.  ttl= in ms."""
        more = [] if ttl is None else [ttl]
        return self.call(
            "STORED", "SEND", target, id or new_id(), content_type,
            _octets(body), *more
        )

    def sync(self, consumer="main", frames=PLENTY, bytes=PLENTY, takeover=False):
        return self.call("SYNCED", "SYNC", consumer, frames, bytes, takeover)

    def history(self, target, before=None, after=None, limit=200, **times):
        """The ITEMs and the END; before_time=, after_time= in ms.  limit=0
        asks only whether there are any: the END's more."""
        more = []
        if times:
            more = [times.pop("before_time", None), times.pop("after_time", None)]
            assert not times, times
        ref = self.ask("HISTORY", target, before, after, limit, *more)
        return self.items("ITEM", ref)

    def receipts(self, target):
        """{(account, kind): seq}"""
        found, _ = self.items("RECEIPT", self.ask("RECEIPTS", target))
        assert all(r.target == target for r in found)
        return {(r.account, r.kind): r.seq for r in found}

    def directory(self, account):
        return self.items("DEVICE", self.ask("DIRECTORY", account))[0]

    def presence(self, target):
        """{account: PRESENCE}"""
        found, _ = self.items("PRESENCE", self.ask("PRESENCE_GET", target))
        return {p.account: p for p in found}

    def rooms(self):
        return self.items("ROOM", self.ask("ROOM_LIST"))[0]

    def members(self, room):
        return self.items("MEMBER", self.ask("ROOM_MEMBERS", room))[0]

    def items(self, name, ref):
        found = []
        while True:
            frame = self.expect(name, "END", ref=ref)
            if kind(frame) == "END":
                return found, frame
            found.append(frame)

    def logout(self):
        return self.call("DONE", "LOGOUT")

    # Receiving.

    def expect(self, *names, ref=None, wait=None):
        """The next frame of these names (and this ref).

        PING is answered; DELIVER, NOTICE and what comes unasked are set
        aside; ERROR and BYE raise Refused unless they are among the names; an
        ERROR for another ref, or any other frame, is the server's mistake.
        """
        limit = time.monotonic() + (self.wait if wait is None else wait)
        while True:
            frame = self.receive(max(limit - time.monotonic(), 0))
            name = kind(frame)
            if name == "PING" and "PING" not in names:
                self.send("PONG", frame.nonce)
            elif name in names and getattr(frame, "ref", ref) == ref:
                return frame
            elif name == "DELIVER":
                self.delivered.append(frame)
            elif name == "NOTICE":
                self.notices.append(frame)
            elif name in UNASKED and getattr(frame, "ref", None) is None:
                self.heard.append(frame)
            elif name in ("ERROR", "BYE"):
                raise Refused(frame)
            else:
                raise AssertionError(f"wanted {names} ref {ref}, got {frame}")

    def deliveries(self, count, wait=None):
        """The next ${count} DELIVER frames, in order."""
        found = []
        while len(found) < count:
            if self.delivered:
                found.append(self.delivered.popleft())
            else:
                found.append(self.expect("DELIVER", wait=wait))
        return found

    def hear(self, name, wait=None, **fields):
        """The next frame of this name that comes unasked, with these fields;
        what came unasked before it is passed over."""
        limit = time.monotonic() + (self.wait if wait is None else wait)
        while True:
            while self.heard:
                frame = self.heard.popleft()
                if kind(frame) == name and all(
                        getattr(frame, k) == v for k, v in fields.items()):
                    return frame
            self.heard.append(
                self.expect(*UNASKED, wait=max(limit - time.monotonic(), 0)))

    def heard_until(self, name, **fields):
        """The frames of this name that come unasked, up to and including the
        one with these fields."""
        found = []
        while not found or any(
                getattr(found[-1], k) != v for k, v in fields.items()):
            found.append(self.hear(name))
        return found

    def unheard(self):
        """What has come unasked until now."""
        self.ping()
        found = list(self.heard)
        self.heard.clear()
        return found

    def until(self, seq, wait=None):
        """The DELIVER frames up to and including ${seq}.

        Delivery is in order, so that what has not come by then will not.
        """
        found = []
        while not found or found[-1].seq < seq:
            found += self.deliveries(1, wait)
        assert found[-1].seq == seq, f"{seq} was passed over: {found[-1]}"
        return found

    def fence(self, target):
        """All that was on its way: post to ${target} and read up to it."""
        return self.until(self.post(target, "fence").seq)[:-1]

    def ping(self, nonce=0x5EC2):
        """The session is alive."""
        self.send("PING", nonce)
        assert self.expect("PONG").nonce == nonce

    def held(self, wait=0.3):
        """What still comes within a moment: for credit, whose whole point is
        that no event follows."""
        self.ping()
        try:
            while True:
                self.delivered.append(self.expect("DELIVER", wait=wait))
        except TooLate:
            found = list(self.delivered)
            self.delivered.clear()
            return found


def _octets(text):
    return text.encode() if isinstance(text, str) else text
