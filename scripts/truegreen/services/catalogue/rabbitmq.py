"""RabbitMQ."""

from __future__ import annotations

import struct
from contextlib import closing
from typing import ClassVar

from truegreen.runtime.wire.amqp import Amqp, short
from truegreen.services import wire
from truegreen.services.base import Access, Server


class RabbitMq(Server):
    """RabbitMQ with its management interface: image `rabbitmq`."""

    kind: ClassVar[str] = "rabbitmq"
    image: ClassVar[str] = "rabbitmq:{version}-management-alpine"
    version: ClassVar[str] = "4"
    verified: ClassVar[str] = "RabbitMQ 3.10"
    scheme: ClassVar[str] = "amqp"
    default_database: ClassVar[str] = "/"
    port: ClassVar[int] = 5672
    ports: ClassVar[dict[str, int]] = {"api": 15672}
    defaults: ClassVar[Access] = Access(
        port=5672,
        user="truegreen",
        password="truegreen",  # noqa: S106
        database="/",
        ports={"api": 15672},
    )
    exports: ClassVar[dict[str, str]] = {"RABBITMQ_URL": "url", "AMQP_URL": "url", "RABBITMQ_API_URL": "api-url"}

    def container_env(self, access: Access) -> dict[str, str]:
        """Return the environment of the official image."""
        return {
            "RABBITMQ_DEFAULT_USER": access.user,
            "RABBITMQ_DEFAULT_PASS": access.password,
            "RABBITMQ_DEFAULT_VHOST": access.database,
        }

    def probe(self, access: Access) -> str:
        """Log in, open the virtual host, and ask for the exchange `amq.direct`, which every host has."""
        login = {"user": access.user, "password": access.password, "vhost": access.database or self.default_database}
        with wire.asking(access), closing(Amqp(access.host, access.port, **login, **wire.LIMITS)) as client:
            client.channel(1)
            client.exchange(1, "amq.direct", "direct")
            client.end()
            return _version(client.about)


def _version(start: bytes) -> str:
    """Return the version in the server's properties: a table, where it is a long string."""
    _, mark, rest = start.partition(short("version") + b"S")
    return rest[4 : 4 + struct.unpack("!I", rest[:4])[0]].decode() if mark else "unknown"
