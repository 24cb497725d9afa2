"""Templates: two environments over one folder (Chinese is the source, English its catalogue), and the shell around every page."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes, pass_context
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from ground import say
from ground.directory.policy import ROLE_WORDS, Role
from ground.errors import Invalid, Refused

if TYPE_CHECKING:
    from ground.visit import Flash, NavItem, Visit

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
STATIC = TEMPLATES / "static"


class Named(NamedTuple):
    """A person or a unit as the shell names it."""

    name: str
    short_name: str = ""


@dataclass(slots=True)
class Shell:
    """What templates know as `visit`: the frame of the page, no request, no database."""

    person: Named | None
    unit: Named
    role_word: str
    roles: frozenset[str]
    posts: Sequence[tuple[int, str, str, bool]]
    csrf: str
    once: str
    nav: "list[NavItem]"
    here: str
    flash: "Flash | None"
    language: str
    now: str
    now_text: str
    duty_phone: str
    keys: bool
    city: str
    path: str


def load_english(path: Path = TEMPLATES / "locale" / "en.po") -> dict[str, str]:
    """The English catalogue: Chinese sentence → English sentence. Empty when there is none yet."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file, locale="en")
    return {str(m.id): str(m.string) for m in catalogue if m.id and m.string}


def static_versions() -> dict[str, str]:
    """Every static file's URL with a piece of its hash, so that browsers may keep it for a year."""
    urls = {}
    for path in STATIC.rglob("*"):
        if path.is_file():
            name = path.relative_to(STATIC).as_posix()
            urls[name] = f"/static/{name}?v={hashlib.sha256(path.read_bytes()).hexdigest()[:10]}"
    return urls


class Compiled(Environment):
    """An environment of one language. What stands in a template as a constant (a sentence, a static file's address, a drawing)
    is looked up when the template is compiled, not each time it is shown."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Constants(self, name or "").visit(super()._parse(source, name, filename))
        return tree


MACROS = {"icon": "macros/icons.html", "logo": "macros/icons.html", "st": "macros/states.html", "tag": "macros/states.html"}


class _Constants(NodeTransformer):
    """Puts the answer in the place of `_('…')`, `static('…')`, `icon('…')`, `st('…', _('…'))`."""

    def __init__(self, environment: Environment, template: str) -> None:
        self._environment = environment
        self._template = template

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the visitor's name for it
        """A call with nothing but constants becomes a constant."""
        self.generic_visit(node)
        named = node.node.name if isinstance(node.node, nodes.Name) else ""
        given = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
        if not given or len(given) < len(node.args) or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        if named in ("_", "static"):
            known: Any = self._environment.globals[named]
        elif MACROS.get(named, self._template) != self._template:
            known = getattr(self._environment.get_template(MACROS[named]).module, named)
        else:
            return node
        return nodes.Const(known(*given), lineno=node.lineno, environment=self._environment)


class Renderer:
    """Turns a template's name and a context into HTML."""

    def __init__(self, zone: ZoneInfo, city: str, duty_phone: str) -> None:
        """Read the templates and the catalogue once."""
        self._zone = zone
        self._city = city
        self._duty_phone = duty_phone
        self._english = load_english()
        self._static = static_versions()
        self._kept: dict[str, Callable[[tuple[Any, ...]], Markup]] = {}
        self._words = {language: say.Say(zone, self._translator(language), language) for language in ("zh", "en")}
        self._environments = {language: self._environment(language) for language in ("zh", "en")}

    def _environment(self, language: str) -> Environment:
        environment = Compiled(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
            auto_reload=False,
        )  # fmt: skip
        words = self._words[language]
        environment.globals.update(
            _=self._translator(language), static=self._static.__getitem__, say=words, typed=typed, role_words=ROLE_WORDS
        )
        environment.globals["words_for_scripts"] = Markup(environment.get_template("macros/words.html").render())  # noqa: S704 - ours
        return environment

    def _translator(self, language: str) -> Callable[[str], str]:
        if language == "zh":
            return _itself
        english = self._english
        return lambda sentence: english.get(sentence, sentence)

    def translate(self, language: str, sentence: str) -> str:
        """A sentence in a language; itself when the catalogue lacks it."""
        return self._english.get(sentence, sentence) if language == "en" else sentence

    def words(self, language: str) -> "say.Say":
        """Times and durations in words, for texts that are not templates."""
        return self._words[language]

    def kept(self, template: str, language: str) -> Callable[[tuple[Any, ...]], Markup]:
        """The template's macro `line`, called with a tuple's parts; what came out of the same parts before is given again.

        For the lines of long lists: a page has fifty, and a thousand units are shown the same ones.
        """
        key = f"{language} {template}"
        if key not in self._kept:
            macro = self._environments[language].get_template(template).module.line  # type: ignore[attr-defined]
            self._kept[key] = lru_cache(maxsize=8192)(lambda parts: Markup(macro(*parts)))  # noqa: S704 - it escapes
        return self._kept[key]

    def url_for(self, url: Callable[..., str]) -> None:
        """Give templates `url(name, **params)`."""
        for environment in self._environments.values():
            environment.globals["url"] = url

    def page(self, template: str, visit: "Visit", flash: "Flash | None", context: Mapping[str, Any]) -> str:
        """A whole page."""
        environment = self._environments[visit.language]
        refused = visit.refused
        return environment.get_template(template).render(
            visit=self._shell(visit, flash),
            now=visit.now,
            form=visit.form,
            refused=visit.t(refused.sentence, **refused.holes) if refused else "",
            errors=errors_of(visit, refused),
            **context,
        )

    def text(self, template: str, language: str = "zh", **context: Any) -> str:
        """A text that is no page (an e-mail, an SMS)."""
        return self._environments[language].get_template(template).render(**context)

    def _shell(self, visit: "Visit", flash: "Flash | None") -> Shell:
        person, around = visit.person, visit.around
        signed_in = person is not None and around is not None
        roles = person.roles if person else frozenset()
        word = next((ROLE_WORDS[r] for r in Role if r in roles), "")
        return Shell(
            person=Named(person.name) if person and signed_in else None,
            unit=Named(person.unit_name, person.unit_short) if person else Named(""),
            role_word=visit.t(word),
            roles=roles,
            posts=around.posts if around else (),
            csrf=visit.csrf,
            once=visit.once,
            nav=visit.house.nav(visit) if signed_in else [],
            here=visit.here,
            flash=flash,
            language=visit.language,
            now=visit.now,
            now_text=self.words(visit.language).long(visit.now),
            duty_phone=self._duty_phone,
            keys=not (person and person.keys_off),
            city=self._city,
            path=visit.request.url.path,
        )


def _itself(sentence: str) -> str:
    return sentence


def errors_of(visit: "Visit", refused: Refused | None) -> dict[str, str]:
    """Field → sentence, for the fields that were refused."""
    if not isinstance(refused, Invalid):
        return {}
    found: dict[str, str] = {}
    for e in refused.errors:
        found.setdefault(e.field, visit.t(e.detail))
    return found


@pass_context
def typed(context: Context, name: str, default: object = "") -> object:
    """What was typed into a field when the form comes back refused; `default` on the first showing."""
    form = context["form"]
    return form.get(name, default)
