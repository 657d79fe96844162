"""All that Amends writes to customers and staff, in the reader's language.

`apology` is the public reply; `note` the private one; `task` and `step` what people see of a case.
Words live in `words/<language>.yaml`; nothing here decides anything.
"""

from core.message.language import WordsError, day, direction, money
from core.message.letter import Given, apology, parse_letter
from core.message.saying import outcome, reason, remedy, sorry, worth
from core.message.staff import NoteKind, TaskText, note, step, task
from core.message.template import Template, TemplateError
from core.message.values import Text
from core.message.vocabulary import LETTER_NAMES, NAMES
from core.message.words import languages

__all__ = [
    "LETTER_NAMES",
    "NAMES",
    "Given",
    "NoteKind",
    "TaskText",
    "Template",
    "TemplateError",
    "Text",
    "WordsError",
    "apology",
    "day",
    "direction",
    "languages",
    "money",
    "note",
    "outcome",
    "parse_letter",
    "reason",
    "remedy",
    "sorry",
    "step",
    "task",
    "worth",
]
