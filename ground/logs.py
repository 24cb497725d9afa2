"""Logs: one line an event, Chinese as it is, tracebacks without the values of variables (they hold what people typed)."""

import logging
import sys

import structlog


def configure() -> None:
    """Set up structlog and the standard library's logging for the whole process; JSON unless standard error is a terminal."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    final: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if sys.stderr.isatty():
        final = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        shared.pop()
    structlog.configure(
        processors=[*shared, final],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
