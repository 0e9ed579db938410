"""The Celery worker: receives hints, hands them to the pipeline."""
