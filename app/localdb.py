"""A private MariaDB (or MySQL) in a folder of our own: a unix socket, no network, no system service.

Used by `myportal up`, by the tests and by the benchmarks.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import pymysql

from app.processes import die_with_parent
from app.settings import ConfigurationError

START_DEADLINE = 60.0
STOP_DEADLINE = 30.0

MISSING = (
    "No MariaDB or MySQL server was found on this machine. Install one (Debian: apt-get install mariadb-server-core), "
    "or set DATABASE_URL to a server you have, for example mysql://portal:password@dbhost:3306/portal"
)


def find_server() -> Path | None:
    """The server's program, or None where there is none; Debian keeps it outside the usual PATH."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/usr/local/bin"])
    found = shutil.which("mariadbd", path=path) or shutil.which("mysqld", path=path)
    return Path(found) if found else None


class LocalDatabase:
    """One server process over `folder`; `start` makes the folder on first use.

    Durable as a default server is: an acknowledged commit survives the process. `fast` gives that up for tests.
    port: listen there too, on loopback only; for tests of the network.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "myportal",
        fast: bool = False,
        options: list[str] | None = None,
        port: int | None = None,
    ):
        self.folder = folder.absolute()
        self.name = name
        self.socket = _socket_path(self.folder)
        self._fast = fast
        self._options = options or []
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """DATABASE_URL of this server."""
        return f"mysql://root@localhost/{self.name}?unix_socket={quote(str(self.socket), safe='/')}"

    @property
    def pid(self) -> int | None:
        """The running server's process id."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises ConfigurationError with the end of the server's own log when it does not.
        """
        server = find_server()
        if server is None:
            raise ConfigurationError(MISSING)
        data = self.folder / "data"
        if not (data / "mysql").is_dir():
            self._initialise(server, data)
        if self._answers():
            raise ConfigurationError(
                f"A database server already runs on {self.folder}: another `myportal up` uses this folder. "
                "Stop it first, or set VAR_DIR to another folder."
            )
        log_file = self.folder / "server.log"
        command = [
            str(server),
            "--no-defaults",
            f"--datadir={data}",
            f"--tmpdir={self._temporary()}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder / 'server.pid'}",
            *(["--skip-networking"] if self.port is None else ["--bind-address=127.0.0.1", f"--port={self.port}"]),
            "--character-set-server=utf8mb4",
            "--max-allowed-packet=64M",
            "--innodb-ft-min-token-size=2",
            *self._user_option(),
            *(["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite"] if self._fast else []),
            *self._options,
        ]
        with log_file.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal must reach us first, so that we end things in order.
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        deadline = time.monotonic() + START_DEADLINE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(log_file.read_text(errors="replace").splitlines()[-8:])
                self.stop()
                raise ConfigurationError(f"The database server did not start; the end of {log_file} says:\n{tail}")
            time.sleep(0.05)
        self._execute(f"CREATE DATABASE IF NOT EXISTS `{self.name}` CHARACTER SET utf8mb4")

    def stop(self) -> None:
        """End the server in order; its data stay."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the server as a power cut would (SIGKILL)."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def pause(self) -> None:
        """Freeze the server: connections stay, nothing answers."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)
            # Each of its threads stops when its turn comes, and until then one may answer.
            while not _stands_still(self._process.pid):
                time.sleep(0.001)

    def resume(self) -> None:
        """End a `pause`."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def execute(self, sql: str) -> None:
        """Run one statement as the server's administrator."""
        self._execute(sql)

    def _initialise(self, server: Path, data: Path) -> None:
        """Make the system tables by feeding the server its own scripts; needs no helper program beside it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # The administrator has no password: who reaches the socket is who may enter this folder.
        self.folder.chmod(0o700)
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        scripts = _system_scripts(server)
        if scripts:
            command = [
                str(server),
                "--no-defaults",
                "--bootstrap",
                f"--datadir={data}",
                f"--tmpdir={self._temporary()}",
            ]
            command += self._user_option()
            sql = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n" + "\n".join(
                script.read_text(encoding="utf-8") for script in scripts
            )
        else:
            command = [str(server), "--no-defaults", "--initialize-insecure", f"--datadir={data}", *self._user_option()]
            sql = ""
        done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
            shutil.rmtree(data, ignore_errors=True)
            raise ConfigurationError(f"The database folder {data} could not be made:\n{tail}")

    def _temporary(self) -> Path:
        """A folder of its own for temporary tables: a server that starts removes those of others from a shared one."""
        folder = self.folder / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def _user_option(self) -> list[str]:
        # The server refuses to run as root unless it is told so by name.
        return ["--user=root"] if os.geteuid() == 0 else []

    def _answers(self) -> bool:
        if not self.socket.exists():
            return False
        try:
            self._execute("SELECT 1")
        except (OSError, pymysql.err.Error):
            return False
        return True

    def _execute(self, sql: str) -> None:
        conn = pymysql.Connection(user="root", read_timeout=30, defer_connect=True)
        # A socket of our own: pymysql leaves its own open where the server does not answer.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
            raw.settimeout(5)
            raw.connect(str(self.socket))
            conn.connect(raw)
            try:
                with conn.cursor() as cursor:
                    cursor.execute(sql)
                conn.commit()
            finally:
                conn.close()


def _system_scripts(server: Path) -> list[Path]:
    """MariaDB's scripts that make its system tables, in order; empty for MySQL, which makes them itself."""
    for share in (server.parent.parent / "share", Path("/usr/share")):
        for folder, prefix in (("mariadb", "mariadb"), ("mysql", "mariadb"), ("mysql", "mysql")):
            names = ("system_tables", "performance_tables", "system_tables_data")
            scripts = [share / folder / f"{prefix}_{name}.sql" for name in names]
            gis = share / folder / "maria_add_gis_sp_bootstrap.sql"
            if all(script.is_file() for script in scripts):
                return [*scripts, *([gis] if gis.is_file() else [])]
    return []


def _socket_path(folder: Path) -> Path:
    """A socket's path may have 107 bytes; a deep folder gets one under the temporary directory instead."""
    path = folder / "server.sock"
    if len(os.fsencode(path)) <= 100:
        return path
    short = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"myportal-{os.geteuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    return private / f"{short}.sock"


def _stands_still(pid: int) -> bool:
    """Whether all threads of a process are stopped, or it is gone. Source: proc(5), stat."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return True
    try:
        states = [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks]
    except (FileNotFoundError, ProcessLookupError):
        # One has ended meanwhile.
        return False
    return all(state in "TtZX" for state in states)
