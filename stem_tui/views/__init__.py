"""View models: pure functions from what is known to what is drawn."""

from stem_tui.views.causes import causes_table
from stem_tui.views.details import queue_detail, worker_detail
from stem_tui.views.events import events_table
from stem_tui.views.header import Frozen, header_line, verdict_line
from stem_tui.views.inspection import inspection_lines
from stem_tui.views.letters import letter_detail, letters_table, matching_letters
from stem_tui.views.local import local_log_lines, local_table
from stem_tui.views.outcomes import outcomes_table
from stem_tui.views.queues import queue_table
from stem_tui.views.receipts import receipt_line, receipts_lines
from stem_tui.views.schedules import schedule_detail, schedules_table
from stem_tui.views.task import task_detail
from stem_tui.views.task_rows import queue_tasks_table, worker_tasks_table
from stem_tui.views.workers import worker_table

__all__ = [
    "Frozen",
    "causes_table",
    "events_table",
    "header_line",
    "inspection_lines",
    "letter_detail",
    "letters_table",
    "local_log_lines",
    "local_table",
    "matching_letters",
    "outcomes_table",
    "queue_detail",
    "queue_table",
    "queue_tasks_table",
    "receipt_line",
    "receipts_lines",
    "schedule_detail",
    "schedules_table",
    "task_detail",
    "verdict_line",
    "worker_detail",
    "worker_table",
    "worker_tasks_table",
]
