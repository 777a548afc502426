"""A socket between one loader and the server, which cuts the connection: really, at any byte."""

import contextlib
import selectors
import shutil
import socket
import threading
from pathlib import Path

PIECE = 1 << 16


class Proxy:
    """Forwards connections from a socket in `folder` to the server's.

    `cut_after` bytes from the loader, or on the way back of the answer to commit number `lose_commit` (from 1), both
    ends are closed; or whenever `cut` is called.
    """

    def __init__(self, folder: Path, server: str, cut_after: int | None = None, lose_commit: int | None = None) -> None:
        self.server = server
        self.cut_after = cut_after
        self.lose_commit = lose_commit
        self.has_cut = False
        self.folder = folder
        folder.mkdir()
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(folder / Path(server).name))
        self.door.listen()
        self.ends: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def cut(self) -> None:
        """Cut what is connected now."""
        self.has_cut = True
        self._shut()

    def close(self) -> None:
        self.door.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        self._shut()
        for thread in self.threads[1:]:
            thread.join()
        self.door.close()
        shutil.rmtree(self.folder)

    def _shut(self) -> None:
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                loader, _ = self.door.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            self.ends += (loader, upstream)
            self.threads.append(threading.Thread(target=self._connect, args=(loader, upstream), daemon=True))
            self.threads[-1].start()

    def _connect(self, loader: socket.socket, upstream: socket.socket) -> None:
        with loader, upstream, contextlib.suppress(OSError):
            upstream.connect(self.server)
            self._forward(loader, upstream)

    def _forward(self, loader: socket.socket, upstream: socket.socket) -> None:
        sent, commits = 0, 0
        with selectors.DefaultSelector() as selector:
            selector.register(loader, selectors.EVENT_READ, upstream)
            selector.register(upstream, selectors.EVENT_READ, loader)
            while True:
                for key, _ in selector.select():
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    piece = source.recv(PIECE)
                    if not piece:
                        return
                    if source is loader and self.cut_after is not None and sent + len(piece) > self.cut_after:
                        target.sendall(piece[: self.cut_after - sent])
                        return self.cut()
                    target.sendall(piece)
                    if source is loader:
                        sent += len(piece)
                        commits += b"COMMIT" in piece
                        if b"COMMIT" in piece and commits == self.lose_commit:
                            self._await_answer(upstream)
                            return self.cut()

    def _await_answer(self, upstream: socket.socket) -> None:
        """Wait until the server has said that it committed (or could not); the loader will never hear of it."""
        said = b""
        while b"COMMIT" not in said and b"ROLLBACK" not in said:
            piece = upstream.recv(PIECE)
            if not piece:
                return
            said += piece
