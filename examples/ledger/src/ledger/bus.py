"""Events over NATS JetStream: a durable stream, duplicates dropped by message id."""

from __future__ import annotations

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig

STREAM = "LEDGER"
SUBJECTS = "ledger.operations.*"
DURABLE = "ledger-worker"


class JetStreamBus:
    """Publishes to the ledger's stream."""

    def __init__(self, stream: JetStreamContext) -> None:
        self._stream = stream

    async def publish(self, subject: str, data: bytes, message_id: str) -> None:
        """Publish and wait for the server's acknowledgement."""
        await self._stream.publish(subject, data, headers={"Nats-Msg-Id": message_id})


async def ensure_stream(client: Client) -> JetStreamContext:
    """Return the stream's context, creating the stream where it does not exist."""
    context = client.jetstream()
    await context.add_stream(StreamConfig(name=STREAM, subjects=[SUBJECTS]))
    return context


async def subscribe(context: JetStreamContext, subject: str) -> JetStreamContext.PullSubscription:
    """Return the worker's durable subscription; several workers share it."""
    return await context.pull_subscribe(
        subject, durable=DURABLE, config=ConsumerConfig(ack_wait=30, max_deliver=5)
    )
