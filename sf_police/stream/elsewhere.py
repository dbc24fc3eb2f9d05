"""A checkpoint's folder that is not on this machine: on any file system that Spark supports, by way of its JVM."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Final

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.spark.remote_failures import file_system_failure
from sf_police.stream.filesystems import Folder, LocalFolder, taken
from sf_police.stream.user_options import user_options

# Until it is said what is being waited for.
_QUIET_S: Final = 5.0
# As they come, Hadoop's clients try again for minutes, and where nothing answers for a quarter of an hour: too long for
# somebody who has mistyped a name. These are the tries of our own few requests; Spark's have the user's settings.
_BOUNDED: Final = {
    "fs.s3a.attempts.maximum": "2",
    "fs.s3a.retry.limit": "3",
    "fs.s3a.retry.throttle.limit": "4",
    "fs.s3a.retry.throttle.interval": "500ms",
    "fs.s3a.connection.establish.timeout": "10s",
    "ipc.client.connect.max.retries": "5",
    "ipc.client.connect.max.retries.on.timeouts": "1",
    "ipc.client.connect.timeout": "10000",
}
# Asks the store itself to refuse what is there already, in the request that writes.
_CONDITIONAL: Final = "fs.option.create.conditional.overwrite"
_NOT_THERE: Final = "java.io.FileNotFoundException"


class HadoopFolder:
    """A folder on any file system that Spark supports (`hdfs://`, `s3a://`, …). To be closed.

    Args:
        session: whose JVM and Hadoop settings are used.
        uri: the folder.
        say: is told what is being waited for.

    Raises:
        SfPoliceError: the file system is not known, or does not answer or allow what is asked of it.
    """

    def __init__(self, session: Any, uri: str, *, say: Callable[[str], None] = lambda _: None) -> None:
        self._uri, self._say, self._jvm = uri, say, session._jvm
        with self._asked():
            self._path = self._jvm.org.apache.hadoop.fs.Path(uri)
            settings = self._jvm.org.apache.hadoop.conf.Configuration(session._jsc.hadoopConfiguration())
            for name, value in _BOUNDED.items():
                settings.set(name, value)
            # Not the one that Spark shares, which has Spark's settings.
            self._fs = self._jvm.org.apache.hadoop.fs.FileSystem.newInstance(self._path.toUri(), settings)

    def close(self) -> None:
        """Let go of the connections."""
        with self._asked():
            self._fs.close()

    def names(self, folder: str) -> list[str]:
        """See `Folder`."""
        with self._asked():
            try:
                return [status.getPath().getName() for status in self._fs.listStatus(self._at(folder))]
            except Py4JJavaError as error:
                if _class_of(error) != _NOT_THERE:
                    raise
                return []

    def read(self, name: str) -> str | None:
        """See `Folder`."""
        with self._asked():
            try:
                stream = self._fs.open(self._at(name))
            except Py4JJavaError as error:
                if _class_of(error) != _NOT_THERE:
                    raise
                return None
            try:
                return bytes(stream.readAllBytes()).decode("utf-8", "replace")
            finally:
                stream.close()

    def write(self, name: str, text: str) -> None:
        """See `Folder`."""
        with self._asked():
            if self._fs.exists(self._at(name)):
                self._fs.delete(self._at(name), False)
            self._renamed(name, text)

    def create(self, name: str, text: str) -> None:
        """See `Folder`: by a conditional request where the store knows them, else by a rename, which HDFS refuses."""
        with self._asked():
            if not self._fs.hasPathCapability(self._path, _CONDITIONAL):
                if self._fs.exists(self._at(name)):
                    raise taken(self.at(name))
                self._renamed(name, text)
                return
            stream = self._fs.createFile(self._at(name)).recursive().must(_CONDITIONAL, True).build()
            stream.write(bytearray(text.encode()))
            try:
                stream.close()
            except Py4JJavaError as error:
                if "Status Code: 412" not in str(error.java_exception.toString()):
                    raise
                raise taken(self.at(name)) from error

    def _renamed(self, name: str, text: str) -> None:
        # A name of its own: another stream's start must not write the same part.
        part = self._at(f".{name}.{uuid.uuid4()}.tmp")
        stream = self._fs.create(part, True)
        stream.write(bytearray(text.encode()))
        stream.close()
        if not self._fs.rename(part, self._at(name)):
            self._fs.delete(part, False)
            raise taken(self.at(name))

    def delete(self, name: str) -> None:
        """See `Folder`."""
        with self._asked():
            # False: it was not there, which is as well.
            if not self._fs.delete(self._at(name), True) and self._fs.exists(self._at(name)):
                raise SfPoliceError(f"cannot delete {self.at(name)}: its file system does not do it")

    def remove(self) -> None:
        """See `Folder`."""
        with self._asked():
            self._fs.delete(self._path, False)

    def at(self, name: str) -> str:
        """See `Folder`."""
        return f"{self._uri.rstrip('/')}/{name}"

    def _at(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._path, name) if name else self._path

    @contextmanager
    def _asked(self) -> Iterator[None]:
        timer = threading.Timer(_QUIET_S, self._say, [f"waiting for the checkpoint's file system ({self._uri})"])
        timer.daemon = True
        timer.start()
        try:
            yield
        except (PySparkException, Py4JError, OSError) as error:  # PySpark has classes of its own for some of Java's
            raise file_system_failure(error, self._uri) from error
        finally:
            timer.cancel()


def _class_of(error: Py4JJavaError) -> str:
    return str(error.java_exception.getClass().getName())


@contextmanager
def checkpoint_folder(config: Config, *, say: Callable[[str], None]) -> Iterator[Folder]:
    """Open the checkpoint's folder. Spark is started only for one that is not on this machine.

    Raises:
        SfPoliceError: it cannot be opened: Java or the jars are missing, or its file system does not let us in.
    """
    if config.local_checkpoint is not None:
        yield LocalFolder(config.local_checkpoint)
        return
    # Only here, as pyspark takes half a second to be imported.
    from sf_police.spark.failures import jvm_watched
    from sf_police.spark.session import create_session, stop_session

    config = replace(config, spark_master="local[1]", spark_ui_port=None)
    session = create_session(config, records=0, user_options=user_options(config))
    try:
        with jvm_watched(session), closing(HadoopFolder(session, config.checkpoint, say=say)) as folder:
            yield folder
    finally:
        stop_session(session)
