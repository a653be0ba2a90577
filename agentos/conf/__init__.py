"""The settings of AgentOS. A project sets them in its own settings as ``AGENTOS_<NAME>``, and only those that it wants otherwise."""

from pathlib import Path
from typing import Any

from agentos.conf.kinds import (
    Choice,
    Commands,
    Dotted,
    Flag,
    Folder,
    HostName,
    HostPort,
    Names,
    Number,
    Origin,
    Origins,
    Reachable,
    Secret,
    Setting,
    Sources,
    Text,
    Url,
)

WORKERS = INLINE, EXTERNAL = "inline", "external"

__all__ = ["EXTERNAL", "INLINE", "AppSettings", "app_settings", "declared"]


class AppSettings:
    """``app_settings.RUN_TIMEOUT`` is the value that counts now; ``AppSettings.RUN_TIMEOUT`` is what is known of the setting."""

    # --- Where it runs ---------------------------------------------------------------------------------------------

    LOCAL = Flag(False, "`1` on your own machine only: makes a secret by itself and answers on localhost. `make run` sets it.")
    DATA_DIR = Folder(Path(".data"), "Folder for the SQLite database and the secret of a local installation.")
    PORT = Number(8000, "Port that the server listens on.", most=65535, variable="PORT")
    HOST = HostName("127.0.0.1", "Address that the server listens on. A local installation only accepts loopback.", variable="HOST")
    ORIGIN = Origin(
        "",
        "Where people open the site, for example `https://chat.example.com`: for links in mails. Without it: the first of `ALLOWED_HOSTS`.",
    )
    BEHIND_TLS_PROXY = Flag(False, "`1` when a proxy that you run terminates TLS and sets `X-Forwarded-Proto`.")
    TRUSTED_PROXY_COUNT = Number(
        0, "How many proxies of yours stand before the server and add to `X-Forwarded-For`. 0: the header is not believed."
    )
    INSECURE_HTTP = Flag(False, "`1` to serve plain HTTP in production (a closed network): cookies are then not marked Secure.")
    OWN_SITE = Flag(
        False,
        "Whether nothing but AgentOS is in this project: its headers, errors and migrations are then those of all.",
        variable=None,
    )
    SHARED_CACHE = Flag(False, "Whether the default cache is one that all processes share and that counts: limits use it.", variable=None)

    # --- Who may do what, and how often ----------------------------------------------------------------------------

    ACCESS = Dotted("agentos.access.adapters.Access", "Class that decides who may use which agent, and how much (docs/in-your-project.md).")
    SIGN_OUT_URL = Text(
        "access:sign-out", "Where the button “Sign out” posts to: a URL's name, or a path. Without it there is no button.", variable=None
    )
    DEMO_PASSWORD = Text("demo", "Password of the demo accounts that `manage.py agentos_demo` makes.")
    SIGN_UP = Choice(
        "invited",
        "Who may make an account: `closed`, nobody; `invited`, whoever was invited; `domain`, whoever has an address of "
        "`AGENTOS_SIGN_UP_DOMAINS`; `open`, everybody. The last two need a mail server (docs/rollout.md).",
        ("closed", "invited", "domain", "open"),
    )
    SIGN_UP_DOMAINS = Names((), "Domains of the addresses that may sign up with `AGENTOS_SIGN_UP=domain`, separated by commas.")
    OPERATORS_NEED_FACTOR = Flag(False, "`1`: operators need a second factor (a code of an app, or a passkey) before their pages open.")
    OPENID_URL = Url(
        "",
        "Issuer of an OpenID provider that people sign in with, for example `https://id.example.com` (docs/rollout.md).",
        ("https", "http"),
    )
    OPENID_NAME = Text("OpenID", "What the button of the sign-in page calls it.")
    OPENID_CLIENT_ID = Text("", "The client that the provider knows this site as.")
    OPENID_CLIENT_SECRET = Text("", "The secret of that client.")
    OPENID_DOMAINS = Names((), "Domains of the addresses that it may sign in, separated by commas. Without: any that it has verified.")
    OPENID_SIGN_UP = Flag(True, "`0`: whoever comes by it needs an account, or an invitation.")
    OPENID_HAS_FACTOR = Flag(False, "`1` when it asks for a second factor itself: that of this site is not asked for then.")
    OPENID_GROUPS_CLAIM = Text("groups", "Claim with the groups of a person, which operators map to teams.")
    SIGN_INS_A_MINUTE = Number(30, "Attempts to sign in that one address may make in a minute. 0: no limit.")
    LOCKOUT_MINUTES = Number(15, "Minutes for which five wrong passwords lock an account, for the address they came from.")
    SENDS_A_MINUTE = Number(60, "Messages, retries and other starts of answers by one user in a minute. 0: no limit.")
    CREATIONS_A_MINUTE = Number(60, "Empty chats, forks, API tokens and requests for access by one user in a minute, each. 0: no limit.")
    TOKEN_REQUESTS_A_MINUTE = Number(600, "Requests with one API token in a minute. 0: no limit.")
    ADDRESS_REQUESTS_A_MINUTE = Number(3000, "Requests with API tokens from one address in a minute. 0: no limit.")
    BAD_TOKENS_A_MINUTE = Number(30, "Requests with an API token that does not work, from one address in a minute. 0: no limit.")
    RUNS_A_DAY = Number(0, "Answers that a user without a plan may start in a day. 0: no limit.")
    TOKENS_A_MONTH = Number(0, "Model tokens that the answers of a user without a plan may cost in a month. 0: no limit.")
    CONCURRENT_RUNS = Number(0, "Answers of a user without a plan that may be queued or running at once. 0: no limit.")

    STRIPE_KEY = Text(
        "", "Secret key of your Stripe account: with it, plans can be paid for (docs/plans.md). It needs the extra `billing`."
    )
    STRIPE_WEBHOOK_SECRET = Text("", "The secret that Stripe signs its events with, which it shows beside the address of the webhook.")
    STRIPE_URL = Url("", "Base URL of something that answers in place of Stripe's API, for trials.", ("https", "http"))

    # --- Files -----------------------------------------------------------------------------------------------------

    FILE_MB = Number(25, "MB (of a million bytes) that one file may have.", least=1)
    FILES_MB = Number(1000, "MB that the files of one user may have together. A plan may allow more.", least=1)
    UPLOADS_A_MINUTE = Number(120, "Files that one user may begin to upload in a minute. 0: no limit.")
    CLAMD = HostPort(
        "", "Host and port of ClamAV's daemon, for example `127.0.0.1:3310`: it looks at every file, and without it none is taken."
    )

    ACCEL = Text(
        "",
        "Internal address, for example `/internal/`, that nginx maps to the folder of files: it then sends them itself (docs/files.md).",
    )

    # --- Models and runs -------------------------------------------------------------------------------------------

    LOCAL_MODEL = Flag(True, "`0` to run without the embedded demo model (`local:smollm2`).")
    SCRIPTED_MODELS = Flag(False, "`1` to offer the scripted models (`scripted:...`), which need no model. For trials and tests.")
    OPENAI_LIKE_URL = Url(
        "",
        "Base URL of an OpenAI-compatible server, for example `http://localhost:1234/v1`; its models are `openai-like:<model id>`.",
        ("http", "https"),
    )
    OPENAI_LIKE_API_KEY = Text("", "Key for `AGENTOS_OPENAI_LIKE_URL`, when it wants one.")
    CONNECT_TIMEOUT = Number(10, "Seconds to wait for a connection to a model.", least=1)
    SILENCE_TIMEOUT = Number(60, "Seconds that a model may say nothing before its run fails.", least=1)
    RUN_TIMEOUT = Number(600, "Seconds that one run may take in all.", least=1)
    TOOL_STEPS = Number(20, "Tool calls that one run may make.", least=1)
    TOOLS = Names((), "Modules with tools of your own, separated by commas, for example `acme.tools` (docs/add-a-tool.md).")
    CODE_AGENTS = Names(
        (), "Modules with Agno agents and teams of your own, separated by commas, for example `acme.agents` (docs/bring-your-agent.md)."
    )
    SKILLS = Names((), "Packages with skills of your own, separated by commas, for example `acme.skills` (docs/skills.md).")
    SQL_SOURCES = Sources(
        (),
        "Databases that agents may be given to read, `name=URL`, separated by commas: "
        "`shop=postgres://reader:...@host/shop` (docs/tools.md).",
    )
    HTTP_ACTIONS = Names(
        (),
        "Files, separated by commas, that each describe an API for agents to call, for example `/etc/agentos/shop.toml` (docs/tools.md).",
    )
    SEARCH_ENGINE = Choice(
        "searxng",
        "What agents search the web with (docs/tools.md): `searxng`, `brave`, `tavily` or `exa`.",
        ("searxng", "brave", "tavily", "exa"),
    )
    SEARCH_URL = Url("", "URL of your SearXNG server, which may be private; of the others, in place of their own.", ("http", "https"))
    SEARCH_KEY = Text("", "Key for the search engine, when it wants one.")
    IMAGE_URL = Url(
        "",
        "Base URL of a server that makes pictures by OpenAI's protocol, for example `https://api.openai.com/v1`; it may be private.",
        ("http", "https"),
    )
    IMAGE_KEY = Text("", "Key for `AGENTOS_IMAGE_URL`, when it wants one.")
    IMAGE_MODEL = Text("gpt-image-1", "The model that makes pictures there.")
    SPEECH_URL = Url(
        "",
        "Base URL of a server of OpenAI's protocol that writes down what is said, for example `https://api.openai.com/v1`; it may be"
        " private. Without it: the extra `speech`, where it is installed (docs/voice.md).",
        ("http", "https"),
    )
    SPEECH_KEY = Text("", "Key for `AGENTOS_SPEECH_URL`, when it wants one.")
    SPEECH_MODEL = Text("whisper-1", "The model that listens there.")
    VOICE_URL = Url(
        "",
        "Base URL of a server of OpenAI's protocol that reads answers aloud; it may be private. Without it the voices of each browser do.",
        ("http", "https"),
    )
    VOICE_KEY = Text("", "Key for `AGENTOS_VOICE_URL`, when it wants one.")
    VOICE_MODEL = Text("tts-1", "The model that speaks there.")
    VOICE_NAME = Text("alloy", "Its voice.")
    EMBEDDINGS = Choice(
        "none",
        "How passages of knowledge bases are found beside their words: `embedded` (small models in packages, the extra"
        " `embeddings`), or `endpoint` (an OpenAI-compatible server); `none`: by their words only (docs/knowledge.md).",
        ("none", "embedded", "endpoint"),
    )
    EMBEDDINGS_URL = Url("", "Base URL of that server, for example `http://127.0.0.1:8080/v1`.", ("http", "https"))
    EMBEDDINGS_MODEL = Text("", "The model that it is asked for.")
    EMBEDDINGS_KEY = Text("", "Its key, if it wants one.")

    TITLES = Choice(
        "model",
        "Who makes the title of a chat: `model`, the model of its agent, asked once after the first answer; `first-words`, nobody.",
        ("model", "first-words"),
    )
    HISTORY_TURNS = Number(20, "Earlier turns of a chat that the model is shown.")
    WORKERS = Choice(
        "inline", "`external`: runs are driven by `agentos worker` processes instead of servers. On PostgreSQL (docs/cluster.md).", WORKERS
    )
    WORKER_RUNS = Number(100, "Answers that one `agentos worker` gives at once.", least=1)
    QUEUE_LIMIT = Number(1000, "Messages that may wait for workers. What is sent beyond that is refused with 429.", least=1)
    GRACE_SECONDS = Number(20, "Seconds that running answers get to finish when the server is told to stop (SIGTERM).")
    ALLOW_PRIVATE_HOSTS = Reachable(
        (),
        "Private host names, addresses and networks (`10.1.0.0/16`), separated by commas, that webhooks, connections and tools may reach.",
    )

    MCP_STDIO = Commands(
        {},
        'MCP servers that are started on this machine, by name, as JSON: `{"clock": "python -m mcp_server_time"}`. Each runs as the user '
        "of AgentOS: name only programs that you trust (docs/connections.md).",
    )

    # --- The server's connections ----------------------------------------------------------------------------------

    CONNECTIONS_AN_ADDRESS = Number(
        500,
        "Connections that one address (an IPv6 /64) may hold; this machine itself ten times as many. 0, and behind proxies: no limit.",
    )
    HEADER_SECONDS = Number(15, "Seconds in which the headers of a request have to come.", least=1)
    BODY_SECONDS = Number(
        20, "Seconds that the next piece of a request's body may take, and all of it beyond a second for each kB.", least=1
    )
    KEEP_ALIVE_SECONDS = Number(15, "Seconds that a connection may wait for its next request.")

    # --- Watching over it --------------------------------------------------------------------------------------------

    METRICS_TOKEN = Secret(
        "", "Token for Prometheus, at least 24 characters: with it `/metrics` answers, and nobody else is shown the figures."
    )
    METRICS_PORT = Number(0, "Port of its own for `/metrics`, `/healthz` and `/readyz`. 0: none.", most=65535)
    METRICS_HOST = HostName(
        "127.0.0.1", "Address that `AGENTOS_METRICS_PORT` listens on. Whoever reaches it sees the figures, unless a token is set."
    )

    # --- Agno's own server -----------------------------------------------------------------------------------------

    GATEWAY = Flag(True, "`0` to not serve Agno's own API below `/api/v1/agentos/fastapi/`.")
    GATEWAY_ORIGINS = Origins(
        (), "Other sites, such as `https://chat.example.com`, whose pages may use Agno's own API in a browser, with an API token."
    )
    INTERFACES = Names(
        (),
        "Agno's other interfaces to serve there too, separated by commas: `agui` (AG-UI), `mcp` (an MCP server), `a2a` (A2A).",
        choices=("a2a", "agui", "mcp"),
    )


app_settings = AppSettings()


def declared() -> list[Setting[Any]]:
    return [setting for setting in vars(AppSettings).values() if isinstance(setting, Setting)]
