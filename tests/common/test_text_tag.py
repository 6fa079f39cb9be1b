"""`{% text as name %}` puts a value together over several lines of a template."""

from django.template import Context, Template


def rendered(source: str, **values: object) -> str:
    return Template("{% load text %}" + source).render(Context(values))


def test_what_stands_on_several_lines_is_one_line_of_text():
    source = """{% text as words %}
        Every unfinished task
        gets {{ what }}.
    {% endtext %}<p title="{{ words }}">"""

    assert rendered(source, what="a day") == '<p title="Every unfinished task gets a day.">'


def test_a_condition_leaves_no_whitespace_at_the_edges():
    source = """{% text as mark %}
      {% if late %}
        stale
      {% elif done %}
        done
      {% endif %}
    {% endtext %}<b class="state{% if mark %} {{ mark }}{% endif %}">"""

    assert rendered(source, late=True) == '<b class="state stale">'
    assert rendered(source, late=False, done=False) == '<b class="state">'


def test_values_are_escaped_once_and_no_more():
    source = "{% text as words %}<i>R&amp;D of {{ name }}</i>{% endtext %}{{ words }}"

    assert rendered(source, name="A & B") == "<i>R&amp;D of A &amp; B</i>"


def test_without_a_name_it_is_written_where_it_stands():
    assert rendered("{% text %} one\n two {% endtext %}") == "one two"
