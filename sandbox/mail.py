"""The stand-in for a mail server: takes every letter over real SMTP, keeps it for reading, delivers it to nobody."""

import asyncio
import contextlib
import logging
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from typing import NoReturn
from weakref import WeakKeyDictionary

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.faults import Fault, Faults
from sandbox.world import Letter, Seen, World

HOST_NAME = "mail.fennel.example"
TAKEN = "250 2.0.0 kept for reading"
# A letter that is held waits in a thread of its own.
MOST_HELD = 24


class PostOffice:
    """Takes letters on 127.0.0.1, in a thread and an event loop of its own."""

    def __init__(self, world: World, faults: Faults, port: int) -> None:
        """Listen at once; whoever connects before `start` is served then. Port 0 takes any free one."""
        # aiosmtpd speaks of every connection dropped on purpose; nobody wants to hear it.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        self._clerk = Clerk(world, faults)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._open: set[asyncio.WriteTransport] = set()
        self._thread = threading.Thread(target=self._serve, name="sandbox-mail", daemon=True)

    def start(self) -> None:
        """Begin to take letters."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more, and hang up on whoever is still there; held letters have to be let go before."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join(timeout=5)
        else:
            self._socket.close()
            self._loop.close()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._take_letters())

    async def _take_letters(self) -> None:
        self._loop.set_default_executor(ThreadPoolExecutor(MOST_HELD, thread_name_prefix="sandbox-mail"))
        server = await self._loop.create_server(
            lambda: Conversation(self._clerk, self._loop, self._open), sock=self._socket
        )
        await self._closing.wait()
        # Nobody more is let in, and whoever is still there is cut off, also who came in this very moment: asyncio, when
        # its server is closed first, and aiosmtpd, when it is stopped outright, would both forget to hang up on them.
        self._loop.remove_reader(self._socket)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for transport in list(self._open):
                transport.abort()
            await asyncio.gather(*others, return_exceptions=True)
        server.close()


class Conversation(SMTP):
    """One connection; known to the post office from its first moment to its last."""

    def __init__(self, clerk: "Clerk", loop: asyncio.AbstractEventLoop, known: set[asyncio.WriteTransport]) -> None:
        self._known = known
        super().__init__(clerk, hostname=HOST_NAME, ident="sandbox", enable_SMTPUTF8=True, loop=loop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that somebody came."""
        if isinstance(transport, asyncio.WriteTransport):
            self._known.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Note that they went."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self._known.discard(self.transport)
        super().connection_lost(error)


class Clerk:
    """What happens at the counter: a recipient is named, a letter is handed over, and what was ordered goes wrong.

    The names of the methods are aiosmtpd's.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        # What was noted when its recipients were named, played when the letter has come.
        self._notes: WeakKeyDictionary[Envelope, list[tuple[Seen, Fault | None]]] = WeakKeyDictionary()

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or refuse it."""
        with self.world.lock:
            fault = self.faults.take("mail", "RCPT", address)
            seen = Seen(
                n=len(self.world.requests) + 1,
                side="mail",
                method="RCPT",
                path=address,
                query="",
                body=None,
                at=self.world.now(),
                fault=fault.fault if fault else None,
            )
            self.world.requests.append(seen)
            answer = "250 2.1.5 go on"
            if fault and fault.fault == "refuse_550":
                answer = "550 5.1.1 there is no such mailbox"
            elif fault and fault.fault == "greylist_451":
                answer = "451 4.7.1 greylisted, come again later"
            if not answer.startswith("250"):
                seen.status = int(answer[:3])
                return answer
        if fault and fault.fault == "reset_early":
            await _drop(server)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        self._notes.setdefault(envelope, []).append((seen, fault))
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a letter, unless it was ordered otherwise."""
        notes = self._notes.pop(envelope, [])
        fault = next((fault for _, fault in notes if fault), None)
        name = fault.fault if fault else ""
        if name == "reset_before":
            await _drop(server)
        if name == "before_hang":
            # The letter is never kept: that is what tells this fault from after_hang.
            await self._hold(fault)
            await _drop(server)
        with self.world.lock:
            self._keep(envelope)
        if name == "reset_after":
            await _drop(server)
        if name == "after_hang":
            await self._hold(fault)
        for seen, _ in notes:
            seen.status = int(TAKEN[:3])
        return TAKEN

    async def _hold(self, fault: Fault | None) -> None:
        if fault is not None:
            await asyncio.to_thread(self.faults.hold, fault.seconds)

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        message = message_from_bytes(content, EmailMessage, policy=policy.default)
        headers: dict[str, str] = {}
        # Read by the older parser: the newer one leaves blanks between two encoded words of a name.
        for name, value in BytesHeaderParser(policy=policy.compat32).parsebytes(content).items():
            said = str(make_header(decode_header(re.sub(r"\r?\n", "", str(value)))))
            headers[name] = f"{headers[name]}\n{said}" if name in headers else said
        self.world.letters.append(
            Letter(
                id=self.world.next_id("letter"),
                sender=envelope.mail_from or "",
                to=list(envelope.rcpt_tos),
                subject=headers.get("Subject", ""),
                text=_part(message, "plain"),
                html=_part(message, "html"),
                message_id=headers.get("Message-ID", ""),
                headers=headers,
                at=self.world.now(),
            )
        )


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    if not isinstance(part, EmailMessage):
        return ""
    with contextlib.suppress(LookupError):  # a character set nobody knows
        return str(part.get_content()).replace("\r\n", "\n")
    return ""


async def _drop(server: SMTP) -> NoReturn:
    """Close the client's connection without another byte."""
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
    # The end of the connection cancels whoever serves it, which is this very task.
    await asyncio.get_running_loop().create_future()
    raise AssertionError("unreachable: nobody fulfils that future")
