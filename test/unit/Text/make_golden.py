#!/usr/bin/env python3
"""Writes the golden tables of these tests with outside implementations.

    make_golden.py templates data/templates.json     needs jinja2
    make_golden.py pretokens data/pretokens.json     needs PyPI's tokenizers

templates: chat templates in the style of real models, and single features, rendered by
jinja2 set up as transformers does. pretokens: texts cut by the pre-tokenizers of
tokenizer.json files, and texts in NFC.
"""
import json
import sys

CHATML = """{% for message in messages %}{% if loop.first and message['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

LLAMA3 = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {{- "You have access to the following functions. To call one, answer with JSON." }}
    {{- "\\n\\n" }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

MISTRAL = """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, conversation roles must alternate user/assistant/user/assistant/...") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported, with the exception of an initial optional system message!") }}
    {%- endif %}
{%- endfor %}
"""

QWEN = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n\\nYou may call one or more functions.\\n\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<tool_call>\\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""

GEMMA = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first_user_prefix = messages[0]['content'] + '\\n\\n' %}{% set loop_messages = messages[1:] %}{% else %}{% set first_user_prefix = '' %}{% set loop_messages = messages %}{% endif %}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\\n'}}
{%- endif -%}
"""

MACROS = """{%- macro render_type(spec, depth=0) -%}
  {%- if spec.type == 'object' -%}
    {
    {%- for name, prop in spec.properties|dictsort -%}
      {{ '\\n' ~ '  ' * (depth + 1) ~ name ~ ('?' if name not in spec.get('required', []) else '') ~ ': ' ~ render_type(prop, depth + 1) -}}
      {{ ',' if not loop.last }}
    {%- endfor -%}
    {{ '\\n' ~ '  ' * depth }}}
  {%- elif spec.enum is defined -%}
    {{ spec.enum | map('tojson') | join(' | ') }}
  {%- else -%}
    {{ spec.type | default('any') }}
  {%- endif -%}
{%- endmacro -%}
{% for tool in tools or [] %}
// {{ tool.function.description | replace('\\n', '\\n// ') }}
type {{ tool.function.name }} = {{ render_type(tool.function.parameters) }};
{% endfor %}
{% for m in messages %}
  {% if m.role == 'system' %}{% continue %}{% endif %}
  {% if loop.index > 3 %}{% break %}{% endif %}
{{ loop.index }}:{{ m.role | upper }}: {% generation %}{{ m.content }}{% endgeneration +%}
{% else %}
nobody
{% endfor %}
"""

TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "Weather of a place.\nUse <b>'carefully'</b> & well.",
    "parameters": {"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string", "description": "Name, e.g. \"Zürich\""},
        "unit": {"enum": ["C", "F"]},
        "opts": {"type": "object", "properties": {"n": {"type": "number", "default": 1.5}}}}}}}]
SYSTEM = {"role": "system", "content": " Be brief. "}
HI = {"role": "user", "content": " Hello, \"wörld\"! 東京\n"}
YES = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes?  "}
MORE = {"role": "user", "content": "More <b>'x'</b> & y"}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {
    "name": "get_weather", "arguments": {"city": "Bern", "n": [1, 2.0, None, True]}}}]}
RESULT = {"role": "tool", "content": "{\"t\": 21}"}
PARTS = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " what? "}]}
CHATS = [
    {"messages": [HI]},
    {"messages": [SYSTEM, HI, YES, MORE], "add_generation_prompt": False},
    {"messages": [SYSTEM, HI, YES, MORE], "tools": TOOLS, "enable_thinking": False},
    {"messages": [HI, CALL, RESULT, YES], "tools": TOOLS},
    {"messages": [HI, CALL, RESULT, RESULT]},
    {"messages": [SYSTEM, PARTS, YES]},
    {"messages": [YES, HI]},
]

FEATURES = r"""
{{ 1 + 2 * 3 - 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7.5 % 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }}
{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1, 'x', none] ~ {'k': 'v', 2: "it's"} ~ (1,) ~ () }}
{{ 1e16 }} {{ 1e15 }} {{ 0.1 }} {{ 1e-5 }} {{ 0.0001 }} {{ 123456789.123 }} {{ -0.0 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }}
{{ 3 == 3.0 }} {{ 'a' < 'b' < 'c' }} {{ 1 in [1, 2] }} {{ 'el' in 'hello' }} {{ 'k' not in {'k': 1} }} {{ not true or true and false }}
{{ [1, 2, 3][-1] }} {{ [1, 2, 3][5] is undefined }} {{ 'héllo'[1] }} {{ 'héllo'[::-1] }} {{ 'héllo'[1:3] }} {{ [1, 2, 3, 4][::2] }} {{ [1, 2, 3, 4][-3:-1] }} {{ [1,2,3][3:0:-1] }} {{ (1, 2, 3)[:2] }}
{{ missing }}|{{ missing is defined }}|{{ missing | default('d') }}|{{ '' | default('d', true) }}|{{ none | default('d') }}
{{ 'yes' if 1 else 'no' }} {{ 'yes' if 0 }}|{{ 'x' if missing else 'y' }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 'x', 'y' %}{{ c }}
{% for x in range(3) %}{{ loop.index }}/{{ loop.length }}:{{ x }}{{ ',' if not loop.last }}{% endfor %}
{% for x in [1, 2, 3, 4, 5] if x % 2 %}{{ loop.index0 }}{{ x }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.revindex }} {% endfor %}
{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}{% for k in {'a': 1} %}{{ k }}{% endfor %}{% for c in 'añ' %}[{{ c }}]{% endfor %}
{% for x in [] %}x{% else %}empty{% endfor %}{% for x in missing %}x{% endfor %}
{% set x = 0 %}{% for i in range(3) %}{{ x }}{% set x = x + 1 %}{% endfor %}{{ x }}
{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ ns.zzz is defined }}
{% for i in range(2) %}{% for j in range(2) %}{{ loop.index }}{{ i }}{{ j }}{{ loop.depth }} {% endfor %}{% endfor %}
{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% for i in range(4) %}{{ loop.cycle('a', 'b') }}{% if loop.changed(i // 2) %}!{% endif %}{% endfor %}
{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}{{ d }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m() }}{{ m(1, 2, 3) | upper }}
{% macro fact(n) %}{{ 1 if n < 2 else n * (fact(n - 1) | int) }}{% endmacro %}{{ fact(10) }}
{% set block %}  in {{ 1 + 1 }} block {% endset %}<{{ block }}>{% set f | trim | upper %}  x {% endset %}<{{ f }}>
{{ "it's" | string }} {{ ["it's", 'a"b', 'c\n\t\\', 'é\u200b\x00'] }} {{ 'a' 'b' "c" }} {{ '\x41\u00e9\n' | tojson }}
{{ ' x ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ 'abc' | upper }}{{ 'ÀÉß' | lower }}{{ 'àéñ' | upper }}|{{ "hello wORLD it's-me" | capitalize }}|{{ 'hello' | title }}
{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ [3, 1, 2] | sort(reverse=true) }} {{ [{'a': 2}, {'a': 1}] | sort(attribute='a') }} {{ [1, 1, 2] | unique | list }} {{ ['a', 'A'] | unique | list }}
{{ [1, 2, 3] | first }}{{ [1, 2, 3] | last }}{{ [] | first is undefined }}{{ [1, 2, 3] | length }}{{ 'añb' | length }}{{ {'a': 1} | count }}
{{ [1, 2] | join(', ') }} {{ [{'a': 1}, {'a': 2}] | join('-', attribute='a') }} {{ 'abc' | reverse }} {{ [1, 2] | reverse | list }} {{ 'abc' | list }}
{{ [1, 2, 3, 4] | select('odd') | list }} {{ [1, 2, 0] | select | list }} {{ [1, 2, 3] | reject('eq', 2) | list }} {{ [{'a': 1, 'b': {'c': 5}}, {'b': 2}] | selectattr('a') | list | length }} {{ [{'a': 1}, {'a': 2}] | selectattr('a', 'gt', 1) | list }} {{ [{'a': 1}, {'a': 2}] | rejectattr('a', 'equalto', 1) | list }} {{ [{'a': 1}, {}] | selectattr('a', 'defined') | list }}
{{ [{'a': 1}, {'a': 2}] | map(attribute='a') | list }} {{ ['a', 'b'] | map('upper') | join }} {{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }} {{ ['a b', 'c'] | map('replace', ' ', '_') | list }} {{ [1.5, '2', 'x'] | map('int') | list }} {{ [[1, 2]] | map(attribute=1) | list }}
{{ '3' | int + 1 }} {{ 'x' | int(7) }} {{ 3.9 | int }} {{ '3.7' | int }} {{ '1.5' | float }} {{ 3 | float }} {{ -3 | abs }} {{ 2.5 | round }} {{ 2.567 | round(1) }} {{ 2.1 | round(0, 'ceil') }}
{{ {'b': 1, 'a': [1, {'x': none}]} | tojson }} {{ {'b': 1, 'a': [1, {}], 'c': []} | tojson(indent=2) }} {{ 'é<>&\'"' | tojson }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ [1.0, 1e20, 0.1, true, -5] | tojson }} {{ [1, 2] | tojson(separators=(',', ':')) }} {{ 'é' | tojson(ensure_ascii=true) }} {{ {1: 2, none: 3} | tojson }}
{{ {'b': 1, 'a': 2} | dictsort }} {{ {'a': 1} | items | list }} {{ [1, 2, 3] | sum }} {{ [{'a': 1}] | sum(attribute='a', start=10) }} {{ [1, 3, 2] | max }}{{ [1, 3, 2] | min }}{{ [] | max is undefined }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent(1, blank=true) }} {{ '<a href="x">\'&' | escape }} {{ '<b>' | safe }}
{{ ' a b  c '.split() }} {{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b  c '.split(none, 1) }} {{ 'a\nb\r\nc'.splitlines() }} {{ ''.split(',') }} {{ 'ab'.strip('a') }}{{ 'xay'.lstrip('x') }}{{ 'xay'.rstrip('y') }}
{{ 'abc'.startswith('a') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'aXbX'.replace('X', '-') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.find('c') }}{{ 'abc'.find('z') }} {{ 'añb'.find('b') }} {{ 'banana'.count('an') }} {{ '-'.join(['a', 'b']) }} {{ 'abc'.upper() }}{{ 'ABC'.lower() }} {{ "they're bill's friends".title() }} {{ 'hELLO'.capitalize() }} {{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'abc'.removeprefix('a') }} {{ 'ab'.replace('', '.') }}
{{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 5) }} {{ {'a': 1, 'b': 2}.keys() | list }} {{ {'a': 1, 'b': 2}.values() | list }} {{ dict(a=1, b='x') }} {{ dict({'z': 1}, y=2) }}
{{ 1 is number }} {{ 1 is integer }} {{ 1.0 is float }} {{ true is boolean }} {{ true is integer }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is sequence }} {{ [] is iterable }} {{ 5 is iterable }} {{ none is none }} {{ 4 is even }} {{ 4 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 'a' is in ['a'] }} {{ 3 is not none }} {{ 3 is eq 3 }} {{ 3 is gt(2) }} {{ 'ABC' is upper }} {{ 'a1' is lower }} {{ false is false }} {{ 0 is false }} {{ missing is none }}
{{ range(5) | list }} {{ range(1, 10, 3) | list }} {{ range(3, 0, -1) | list }} {{ [1] + [2] }} {{ [0] * 3 }} {{ 'ab' * 2 }} {{ (1, 2) + (3,) }} {{ [1, 2] == [1, 2] }} {{ (1, 2) == [1, 2] }} {{ {'a': 1} == {'a': 1.0} }} {{ none == false }} {{ missing == none }}
{# a comment #}{% raw %}{{ raw }} {% not %}{% endraw %} {{ '{{' }} {{ "%}" }} {{ {'a': {'b': 1}}['a']['b'] }} {{ {'a': {'b': 1}}.a.b }}
{%- if true -%}   tight   {%- endif -%}
  {%+ if true %} keeps indent {% endif +%}
{{ 1 -}}   {{- 2 }}
   {% if true %}
   line one
   {% elif missing %}
   never
   {% else %}
   never
   {% endif %}
   {# comment line #}
	{% set t = 1 %}
end {{ messages[0].role }} {{ messages[0]['content'].items is defined }} {{ messages | length }} {{ none.x is defined }} {{ (1).x is defined }} {{ messages[0].get('name', 'anon') }}
{{ [1, [2, 3], {'a': (4,)}] | string }} {{ true + 1 }} {{ 10 | string + '!' }} {{ 1 if false is defined }} {{ 5 / 2 }} {{ 6 / 2 }} {{ 1_000 }} {{ not missing }} {{ [missing] }}
{{ '%s' | replace('%s', 'p') }} {{ 'a' in missing }} {{ 'abc' | first }}{{ 'abc' | last }} {{ {'x': 1} | first }} {{ {'z': 0, 'x': 1} | list }} {{ [[1, 'a'], [0, 'b']] | sort }} {{ -1 | abs }} {{ (-1) | abs }} {{ - 2 ** 2 }} {{ 2 ** 3 ** 2 }}
{% for (a, b) in [[1, 2]] %}{{ a }}{{ b }}{% endfor %}{% for x in 1, 2 %}{{ x }}{% endfor %}{% set q = (1, 2) %}{{ q }}{% if 1 == 1 and 'a' is defined and not false %}ok{% endif %}
{{ strftime_now('%Y') | length }}{% for m in messages | selectattr('role', 'in', ['user', 'system']) %}{{ m.role }}{% endfor %}{% set messages = messages + [{'role': 'x', 'content': ''}] %}{{ messages | map(attribute='role') | list }}
"""

FAILING = [
    "{{ missing.x }}", "{{ missing() }}", "{{ missing + 1 }}", "{{ 'a' + 1 }}", "{{ 1 / 0 }}",
    "{{ raise_exception('no') }}", "{{ 1 | nofilter }}", "{{ 1 is notest }}", "{{ [1].append(2) }}",
    "{{ {'a': 1}.update({}) }}", "{% for x in 5 %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}",
    "{% for a, b in [[1, 2, 3]] %}{% endfor %}", "{{ 1 < 'a' }}", "{{ missing | tojson }}",
    "{{ 'abc'.index('z') }}", "{{ 5 | length }}", "{{ range(1000000) | list }}",
    "{% set x.y = 1 %}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{{ 'a' in 5 }}", "{{ 'x' ~ 1 + 1 }}",
    "{% if %}{% endif %}", "{% if 1 %}", "{{ 1", "{{ 'a }}", "{% endfor %}", "{% bogus %}", "{{ (1 }}",
    "{{ 1 2 }}", "{# open", "{{ [1, 2 }}", "{% for in x %}{% endfor %}", "{{ a. }}", "{{ | x }}", "{{ $ }}",
    "{% set %}", "{{ {1 2} }}", "{% macro %}{% endmacro %}", "{% for x in [1] %}",
]


def render_cases():
    from datetime import datetime

    import jinja2
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        tags = {"generation"}

        def parse(self, parser):
            next(parser.stream)
            return parser.parse_statements(["name:endgeneration"], drop_needle=True)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                          sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.now().strftime(f)
    cases = []

    def add(name, template, chat):
        variables = {"messages": [], "tools": None, "documents": None,
                     "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"}
        variables.update(chat)
        case = {"name": name, "template": template, "chat": chat}
        try:
            case["output"] = env.from_string(template).render(**variables)
        except Exception as e:  # any failure: what matters is that there is one
            case["error"] = str(e).split("\n")[0]
        cases.append(case)

    for name, template in [("chatml", CHATML), ("llama3", LLAMA3), ("mistral", MISTRAL),
                           ("qwen", QWEN), ("gemma", GEMMA), ("macros", MACROS)]:
        for i, chat in enumerate(CHATS):
            add(f"{name} {i}", template, chat)
    features = FEATURES.strip("\n").split("\n")
    for i, line in enumerate(features):
        add(f"feature {i}", line, {"messages": [SYSTEM, HI]})
    add("all features", "\n".join(features) + "\n\n", {"messages": [SYSTEM, HI]})
    add("carriage returns", "a\r\n{% if 1 %}\r\nb\r{% endif %}\r\nc\r\n", {})
    for i, template in enumerate(FAILING):
        add(f"failing {i}", template, {"messages": [HI]})
    return cases


PATTERNS = {
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen35": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "tekken": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
}


def pretoken_cases():
    import random
    import unicodedata

    from tokenizers import Regex, normalizers, pre_tokenizers

    cutters = {k: pre_tokenizers.Split(Regex(v), "isolated") for k, v in PATTERNS.items()}
    cutters["digits"] = pre_tokenizers.Digits(individual_digits=True)
    cutters["digitruns"] = pre_tokenizers.Digits(individual_digits=False)
    pool = (["'s", "'S", "'T", "'re", "'LL", "'ſ", "'x", "ab", "Ab", "AB", "aB", "é", "E\u0301", "ǅ",
             "ª", "ʰ", "東京", "ひら", "\u0301", "\u0903", "1", "23", "4567", "²", "Ⅷ", "٣", " ", "  ",
             "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2003", "\u200b", "\u0085", "\x1c", ".",
             "/", "//", "!?", "—", "«", "€", "😀", "👩\u200d💻", "\ufffd", "_", "{", "\x00", "가", "각",
             "\u1100\u1161\u11a8", "A\u030a\u0323", "a\u0315\u0300\u05ae\u0062", "\u0958", "\ufb1d",
             "\u2126", "Ω", "x/y", "\U0001d15e", "q\u0307\u0323"])
    random.seed(7)
    texts = ["".join(random.choice(pool) for _ in range(random.randint(1, 24))) for _ in range(400)]
    cases = []
    for text in texts:
        cuts = {k: [p for p, _ in c.pre_tokenize_str(text)] for k, c in cutters.items()}
        cases.append({"text": text, "nfc": normalizers.NFC().normalize_str(text), "cuts": cuts})
        assert cases[-1]["nfc"] == unicodedata.normalize("NFC", text)
    return cases


def main():
    cases = {"templates": render_cases, "pretokens": pretoken_cases}[sys.argv[1]]()
    with open(sys.argv[2], "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=True) for c in cases) + "\n]\n")


main()
