"""Hostile texts for every text field: scripts, formulas, mark-up of chats and mails, control and direction marks (F91, F92)."""

MARK = "pwned4711"
SCRIPTS = [
    f"<script>{MARK}()</script>",
    f"</script><script>{MARK}()</script>",
    f'"><script>{MARK}()</script>',
    f"'><img src=x onerror={MARK}()>",
    f'<img src="x" onerror="{MARK}()">',
    f"<svg/onload={MARK}()>",
    f"<svg><script>{MARK}()</script></svg>",
    f"<body onload={MARK}()>",
    f"<iframe srcdoc='<script>{MARK}()</script>'>",
    f'<a href="javascript:{MARK}()">x</a>',
    f'" onmouseover="{MARK}()" x="',
    f"' autofocus onfocus={MARK}() x='",
    f"`${{{MARK}()}}`",
    f"{{{{constructor.constructor('{MARK}()')()}}}}",
    f"{{% load {MARK} %}}",
    f"{{{{ {MARK} }}}}",
    f"<!--{MARK}--><b>",
    f"]]><script>{MARK}()</script>",
    f"<style>@import 'x';{MARK}</style>",
    f"<math><mtext><script>{MARK}()</script>",
    f"<details open ontoggle={MARK}()>",
    f'<form action="https://evil.test"><button>{MARK}',
    f'<meta http-equiv="refresh" content="0;url=https://evil.test/{MARK}">',
    f'<base href="https://evil.test/{MARK}/">',
    f"<template x-init={MARK}()></template>",
    f'<div hx-get="/{MARK}" hx-trigger="load">',
    f"&lt;script&gt;{MARK}()&lt;/script&gt;",
    f"\\u003cscript\\u003e{MARK}()\\u003c/script\\u003e",
    f"%3Cscript%3E{MARK}()%3C/script%3E",
    f"<scr<script>ipt>{MARK}()</script>",
]
CHATS = [
    f"<!channel> {MARK}",
    f"<!here|{MARK}>",
    f"<@U012AB3CD> {MARK}",
    f"<https://evil.test|{MARK}>",
    f"*{MARK}* _x_ ~y~ `z`",
    f"> {MARK}",
    f":{MARK}: :tada:",
]
FORMULAS = [
    f'=HYPERLINK("https://evil.test";"{MARK}")',
    f"=cmd|'/C calc'!A0 {MARK}",
    f"+{MARK}",
    f"-{MARK}",
    f"@SUM({MARK})",
    f"\t={MARK}",
    f'"={MARK}',
    f"%0A={MARK}",
]
MARKS = [
    f"{MARK}\u202egnp.exe",
    f"\u200b{MARK}\u200b",
    f"{MARK}\u0301\u0301\u0301\u0301",
    f"\ufeff{MARK}",
    f"\U0001f4b8{MARK}",
    f"\u0645\u0631\u062d\u0628\u0627 {MARK}",
    f"{MARK} {'W' * 60}",
    f"#let x = {MARK}",
    f'#eval("{MARK}")',
    f"$ {MARK} $ \\ # @ [*]",
    f"'; DROP TABLE {MARK}; --",
    f"%s %d %(name)s {MARK}",
    f"{{0.__class__}} {MARK}",
    f"../../../{MARK}",
    f"\\\\evil\\{MARK}",
]
# Line ends belong to texts of several lines; as a subject they would start a header of their own.
LINES = [f"{MARK}\r\nBcc: victim@example.test", f"{MARK}\nContent-Type: text/html\n\n<script>{MARK}()</script>"]
CORPUS = [*SCRIPTS, *CHATS, *FORMULAS, *MARKS]
