"""With signing on, a worker refuses what nobody signed with a key that it knows: python -m examples.signing"""

from __future__ import annotations

import asyncio
import os

from stem_core import PayloadSigner, ShutdownMode, SimpleTaskRegistry, Stem, StemConfig, Worker
from stem_core.client import DeadLetters, LetterFilter

registry = SimpleTaskRegistry()
config = StemConfig.from_environment()
signer = PayloadSigner(keys={"k1": os.urandom(32)})
stem = Stem(config=config, registry=registry, signer=signer)
stranger = Stem(config=config, registry=registry, signer=PayloadSigner(keys={"k1": os.urandom(32)}))


@stem.task("payment.send", queue="payments", secrets=("card",))
async def send(card: str) -> str:
    return f"paid with …{card[-4:]}"


async def main() -> None:
    async with stem, stranger:
        broker, backend = await stem.connect()
        worker = Worker(broker=broker, registry=registry, backend=backend, queue="payments", signer=signer)
        await worker.start()

        card = {"card": "4111 1111 1111 1111"}
        print((await stem.wait_for(await stem.enqueue("payment.send", card), timeout=5)).result)

        forged = await stranger.enqueue("payment.send", card)
        status = await stem.wait_for(forged, timeout=5)
        print(f"{status.state}: {status.reason}")

        await DeadLetters(broker).purge(LetterFilter(ids=(forged,)))
        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
