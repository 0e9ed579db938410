"""What a reader's child said before it died: the end of it, as soon as there is no more."""

from typing import cast

import anyio
import pytest
from anyio.abc import ByteReceiveStream

from app.adapters.reader.subprocess import _WORDS_KEPT, _keep_last

pytestmark = pytest.mark.anyio


async def test_the_last_words_of_a_child_are_kept_and_their_end_is_told() -> None:
    send, words = anyio.create_memory_object_stream[bytes](2)
    kept, heard = bytearray(), anyio.Event()
    async with send:
        await send.send(b"x" * _WORDS_KEPT)
        await send.send(b"the end")
    async with words:
        await _keep_last(cast(ByteReceiveStream, words), kept, heard)
    assert kept == b"x" * (_WORDS_KEPT - 7) + b"the end"
    assert heard.is_set(), "each file would take as long as a child that never stops talking may"
