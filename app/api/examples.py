"""What the OpenAPI document shows as answers: one paper, and what was found in it."""

from datetime import UTC, datetime, timedelta

from app.domain.events import PaperStatusData, PaperStatusEvent
from app.domain.graph import Citations, CitedPaper, EntityNeighbours, Form, Neighbour, RelatedPaper
from app.domain.knowledge import (
    Document,
    Entity,
    EntityType,
    Mention,
    Reference,
    Relationship,
    RelationType,
    Section,
    Span,
)
from app.domain.lifecycle import Status
from app.domain.paper import Counts, Paper
from app.ports import SearchHit

PAPER_ID = "7b0c5c1e-3a52-4b3f-9a57-0d6a2f0f4a11"
OTHER_ID = "b6f1d7a2-9f0e-4a53-8c1d-2e7c44a0c8de"
METHOD, TASK = "method:transformer", "task:machine-translation"
SENTENCE = "We use the Transformer for machine translation."
TEXT = f"Attention Is All You Need\n\n1 Introduction\n\n{SENTENCE}"
START = TEXT.index(SENTENCE)
UPLOADED_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
DONE_AT = UPLOADED_AT + timedelta(seconds=9)

NEW_PAPER = Paper(
    id=PAPER_ID,
    filename="attention.pdf",
    content_type="application/pdf",
    size=2215244,
    sha256="bdfaa68d8984f0dc02beaca527b76f207d99b666d31d1da728ee0728182df697",
    status=Status.UPLOADED,
    seq=1,
    created_at=UPLOADED_AT,
    updated_at=UPLOADED_AT,
)
PAPER = NEW_PAPER.model_copy(
    update={
        "title": "Attention Is All You Need",
        "authors": ("Ashish Vaswani", "Noam Shazeer"),
        "status": Status.COMPLETED,
        "progress": 100,
        "run": 1,
        "seq": 16,
        "counts": Counts(pages=15, sections=7, references=40, entities=2, mentions=31, relationships=1),
        "updated_at": DONE_AT,
        "queued_at": UPLOADED_AT + timedelta(seconds=1),
        "started_at": UPLOADED_AT + timedelta(seconds=2),
        "finished_at": DONE_AT,
    }
)
EVENT = PaperStatusEvent(
    timestamp=DONE_AT,
    message="attention.pdf completed",
    data=PaperStatusData(
        paper_id=PAPER_ID,
        seq=16,
        run=1,
        changes=PAPER.model_dump(mode="json", include={"status", "stage", "error", "finished_at", "updated_at"}),
        status=Status.COMPLETED,
        previous_status=Status.BUILDING_KNOWLEDGE_GRAPH,
        progress=100,
    ),
)
DOCUMENT = Document(
    title=PAPER.title,
    authors=PAPER.authors,
    year=2017,
    pages=15,
    sections=(Section(title="1 Introduction", start=START, end=len(TEXT)),),
    text=TEXT,
)
REFERENCE = Reference(
    number=1,
    start=31560,
    end=31652,
    raw="[1] Jimmy Lei Ba, Jamie Ryan Kiros, and Geoffrey E. Hinton. Layer normalization. 2016.",
    authors=("Jimmy Lei Ba", "Jamie Ryan Kiros", "Geoffrey E. Hinton"),
    title="Layer normalization",
    year=2016,
)
ENTITY = Entity(
    key=METHOD,
    name="Transformer",
    type=EntityType.METHOD,
    mentions=(Mention(start=TEXT.index("Transformer"), end=TEXT.index("Transformer") + 11, text="Transformer"),),
)
RELATIONSHIP = Relationship(
    source=METHOD,
    target=TASK,
    type=RelationType.USED_FOR,
    evidence=Span(start=START, end=len(TEXT)),
    sentence=SENTENCE,
)
HIT = SearchHit(paper_id=PAPER_ID, title=PAPER.title, filename=PAPER.filename, snippet=SENTENCE, score=7.2)
NEIGHBOURS = EntityNeighbours(
    key=METHOD,
    name="Transformer",
    type=EntityType.METHOD,
    papers=(PAPER_ID,),
    forms=(Form(text="Transformer", papers=(PAPER_ID,)),),
    neighbours=(
        Neighbour(
            key=TASK,
            name="machine translation",
            type=EntityType.TASK,
            relation=RelationType.USED_FOR,
            direction="out",
            papers=(PAPER_ID,),
        ),
    ),
)
CITATIONS = Citations(cites=(CitedPaper(paper_id=OTHER_ID, title="BERT", number=3, evidence="doi"),))
RELATED = RelatedPaper(paper_id=OTHER_ID, title="BERT", score=2.0, shared=2, entities=(METHOD, TASK))
