"""What `/metrics` answers, as Prometheus would read it."""

from prometheus_client.parser import text_string_to_metric_families


def samples(text: str) -> dict[str, float]:
    """Every sample by its name and labels: `sockets_closed_total,4408`."""
    return {
        ",".join([sample.name.removeprefix("paper_processing_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
