"""Who may call what of the API.

A row names the callers that get past authentication, visibility and rights (they may still be
refused for their empty body or the state of things); everybody else must get 401, 403 or 404.
Who the callers are, says :mod:`tests.matrix.stage`.
"""

from __future__ import annotations

from tests.matrix.table import Row, parse

#: Everybody with an account; those who hold a whole one; readers and writers of board A1.
PEOPLE = "outsider guest stranger reader writer admin owner read_token write_token"
ACCOUNTS = "outsider guest stranger reader writer admin owner"
READERS = "reader writer owner read_token write_token worker lead main"
BOARD_READ = "reader writer owner read_token write_token"
WRITERS = "writer owner write_token"
ADMINS = "admin owner"
HEADS = "guest stranger admin owner"
ADMIN_READ = "admin owner read_token write_token"
AGENTS = "worker lead neighbour main other_agent"

#: method, path, callers let through
ROWS = f"""
POST auth/bootstrap : {PEOPLE}
POST auth/login : *
POST auth/logout : *
GET users/me : {PEOPLE}
PATCH users/me : {ACCOUNTS} write_token
DELETE users/me : {ACCOUNTS}
POST auth/passkey : *
POST auth/passkey/options : *
PUT users/me/password : {ACCOUNTS}
GET users/me/second-factor : {PEOPLE}
POST users/me/second-factor : {ACCOUNTS}
DELETE users/me/second-factor : {ACCOUNTS}
POST users/me/second-factor/confirm : {ACCOUNTS}
POST users/me/second-factor/recovery-codes : {ACCOUNTS}
GET users/me/passkeys : {PEOPLE}
POST users/me/passkeys :
POST users/me/passkeys/options :
DELETE users/me/passkeys/<passkey> : owner
GET users/me/sessions : {PEOPLE}
DELETE users/me/sessions : {ACCOUNTS}
DELETE users/me/sessions/<session> : owner
GET users/me/tokens : {PEOPLE}
POST users/me/tokens : {ACCOUNTS}
DELETE users/me/tokens/<token> : owner
GET organizations : {PEOPLE}
POST organizations : {ACCOUNTS}
GET organizations/me : {PEOPLE}
DELETE organizations/me : guest stranger owner
GET organizations/me/list : {PEOPLE}
PATCH organizations/me/active : {WRITERS} outsider guest reader admin
GET organizations/me/member : {PEOPLE}
DELETE organizations/me/member : {ACCOUNTS} write_token
GET organizations/me/invites : {HEADS} read_token write_token
POST organizations/me/invites : {HEADS}
DELETE organizations/me/invites/<invite> : {ADMINS}
POST organizations/invites/accept : outsider
POST organizations/invites/register : *
GET organizations/me/members : {PEOPLE}
GET organizations/me/members/<member> : {ADMIN_READ} reader
PATCH organizations/me/members/<member> : {ADMINS}
DELETE organizations/me/members/<member> : {ADMINS}
PUT organizations/me/members/<member>/access : {ADMINS}
GET organizations/<organization> : {BOARD_READ} outsider guest admin
PATCH organizations/<organization> : {ADMINS}
DELETE organizations/<organization> : owner
GET notifications : {PEOPLE}
PATCH notifications : {ACCOUNTS} write_token
GET notifications/count : {PEOPLE}
GET notifications/settings : {PEOPLE}
PUT notifications/settings : {ACCOUNTS} write_token
GET notifications/channels : {PEOPLE}
POST notifications/channels : {ACCOUNTS}
PATCH notifications/channels/<channel> : owner
DELETE notifications/channels/<channel> : owner
POST notifications/channels/<channel>/test : owner
GET notifications/channels/<channel>/deliveries : owner read_token write_token
GET activity : {PEOPLE} {AGENTS}
GET activity/export : {HEADS} read_token write_token
GET activity/task-comments : {PEOPLE}
GET metrics/dashboard : {PEOPLE}
GET webhook-endpoints : {HEADS} read_token write_token
POST webhook-endpoints : {HEADS}
GET webhook-endpoints/<endpoint> : {ADMIN_READ}
PATCH webhook-endpoints/<endpoint> : {ADMINS}
DELETE webhook-endpoints/<endpoint> : {ADMINS}
POST webhook-endpoints/<endpoint>/rotate-secret : {ADMINS}
POST webhook-endpoints/<endpoint>/test : {ADMINS}
GET webhook-endpoints/<endpoint>/deliveries : {ADMIN_READ}
GET webhook-endpoints/<endpoint>/deliveries/<sent> : {ADMIN_READ}
POST webhook-endpoints/<endpoint>/deliveries/<sent>/replay : {ADMINS}
GET jobs : {HEADS} read_token write_token
GET jobs/parked : {HEADS} read_token write_token
POST jobs/parked/<delivery>/retry : {ADMINS}
POST jobs/<job>/retry :
DELETE jobs/<job> :
GET approvals : {PEOPLE} {AGENTS}
POST approvals : {WRITERS} worker lead main
GET approvals/<approval> : {READERS}
PATCH approvals/<approval> : {WRITERS}
POST approvals/<approval>/cancel : owner worker
GET boards/<board>/approvals/<approval> : {READERS}
PATCH boards/<board>/approvals/<approval> : {WRITERS}
POST boards/<board>/approvals/<approval>/cancel : owner worker
GET agent/boards/<board>/approvals/<approval> : worker lead main
GET gateways : {HEADS} read_token write_token
POST gateways : {HEADS}
GET gateways/status : {ADMIN_READ}
POST gateways/status : {ADMIN_READ}
GET gateways/commands : {HEADS} read_token write_token
GET gateways/sessions : owner read_token write_token
GET gateways/sessions/<key> : owner read_token write_token
GET gateways/sessions/<key>/history : owner read_token write_token
POST gateways/sessions/<key>/message : owner
GET gateways/<gateway> : {ADMIN_READ}
PATCH gateways/<gateway> : {ADMINS}
DELETE gateways/<gateway> : {ADMINS}
POST gateways/<gateway>/check : {ADMINS}
GET gateways/<gateway>/pairing : {ADMIN_READ}
POST gateways/<gateway>/pairing : {ADMINS}
GET gateways/<gateway>/exec-policy : {ADMIN_READ}
POST gateways/<gateway>/exec-policy : {ADMINS}
GET gateways/<gateway>/logs : {ADMIN_READ}
GET gateways/<gateway>/agents : {ADMIN_READ}
GET gateways/<gateway>/models : {ADMIN_READ}
GET gateways/<gateway>/devices : {ADMIN_READ}
GET gateways/<gateway>/history : {ADMIN_READ}
GET gateways/versions : {HEADS} read_token write_token
GET gateways/cleanups : {HEADS} read_token write_token
DELETE gateways/cleanups/<cleanup> : {ADMINS}
POST gateways/<gateway>/templates/sync : {ADMINS}
POST gateways/<gateway>/execute : {WRITERS}
GET board-groups : {PEOPLE}
POST board-groups : {HEADS}
GET board-groups/<group> : {BOARD_READ}
PATCH board-groups/<group> : owner
DELETE board-groups/<group> : owner
GET board-groups/<group>/snapshot : {BOARD_READ}
GET boards : {PEOPLE} {AGENTS}
POST boards : {HEADS}
GET boards/<board> : {READERS}
PATCH boards/<board> : {WRITERS}
DELETE boards/<board> : owner
GET boards/<board>/snapshot : {READERS}
GET boards/<board>/group-snapshot : {READERS}
GET boards/<board>/events : {READERS}
GET boards/<board>/tasks : {READERS}
POST boards/<board>/tasks : {WRITERS} lead
POST boards/<board>/tasks/bulk : {WRITERS} worker lead main
GET tags : {PEOPLE}
POST tags : {HEADS}
GET tags/<tag> : {BOARD_READ} outsider guest admin
PATCH tags/<tag> : {ADMINS}
DELETE tags/<tag> : {ADMINS}
GET organizations/me/custom-fields : {PEOPLE}
POST organizations/me/custom-fields : {HEADS}
PATCH organizations/me/custom-fields/<field> : {ADMINS}
DELETE organizations/me/custom-fields/<field> : {ADMINS}
GET agent/boards/<board>/tags : worker lead main
GET boards/<board>/tasks/<task> : {READERS}
PATCH boards/<board>/tasks/<task> : {WRITERS} worker lead
DELETE boards/<board>/tasks/<task> : {WRITERS} lead
GET boards/<board>/tasks/<task>/comments : {READERS}
POST boards/<board>/tasks/<task>/comments : {WRITERS} worker lead main
PATCH boards/<board>/tasks/<task>/comments/<comment> : owner write_token
DELETE boards/<board>/tasks/<task>/comments/<comment> : owner write_token
GET boards/<board>/approvals : {READERS}
POST boards/<board>/approvals : {WRITERS} worker lead main
GET tasks : {PEOPLE} {AGENTS}
POST tasks : {WRITERS} lead
GET tasks/<task> : {READERS}
PATCH tasks/<task> : {WRITERS} worker lead
DELETE tasks/<task> : {WRITERS} lead
GET tasks/<task>/comments : {READERS}
POST tasks/<task>/comments : {WRITERS} worker lead main
PATCH tasks/<task>/comments/<comment> : owner write_token
DELETE tasks/<task>/comments/<comment> : owner write_token
POST tasks/<task>/assign-agent : {WRITERS} lead
POST tasks/<task>/move : owner write_token
POST tasks/<task>/execute : {WRITERS}
GET executions : {PEOPLE}
GET executions/<execution> : {BOARD_READ}
POST executions/<execution>/cancel : {WRITERS}
GET agents : {PEOPLE} {AGENTS}
POST agents : {HEADS} lead other_agent
GET agents/<agent> : {READERS} admin
PATCH agents/<agent> : owner
DELETE agents/<agent> : owner lead
POST agents/heartbeat : {AGENTS} owner
POST agents/<agent>/heartbeat : {ADMINS} worker
POST agents/<agent>/rotate-token : {ADMINS}
POST agents/<agent>/wake : {ADMINS}
POST agents/<agent>/retry : {ADMINS}
POST agents/<agent>/pause : {ADMINS}
POST agents/<agent>/resume : {ADMINS}
GET agents/<agent>/files : {ADMIN_READ}
GET agents/<agent>/files/<name> : {ADMIN_READ}
PUT agents/<agent>/files/<name> : {ADMINS}
GET boards/<board>/webhooks : {BOARD_READ}
POST boards/<board>/webhooks : {WRITERS}
GET boards/<board>/webhooks/<webhook> : {BOARD_READ}
POST boards/<board>/webhooks/<webhook> : *
PATCH boards/<board>/webhooks/<webhook> : {WRITERS}
DELETE boards/<board>/webhooks/<webhook> : {WRITERS}
GET boards/<board>/webhooks/<webhook>/payloads : {BOARD_READ}
GET boards/<board>/webhooks/<webhook>/payloads/<payload> : {BOARD_READ}
POST boards/<board>/webhooks/<webhook>/payloads/<payload>/redeliver : {WRITERS}
GET agent/boards/<board>/webhooks/<webhook>/payloads/<payload> : worker lead main
GET boards/<board>/onboarding : {BOARD_READ}
POST boards/<board>/onboarding/start : {WRITERS}
POST boards/<board>/onboarding/answer : {WRITERS}
POST boards/<board>/onboarding/agent : main
POST boards/<board>/onboarding/confirm : {WRITERS}
POST boards/<board>/onboarding/cancel : {WRITERS}
POST agent/boards/<board>/onboarding : main
GET skills/marketplace : {ADMIN_READ}
POST skills/marketplace : {HEADS}
GET skills/marketplace/<skill> : {ADMIN_READ}
DELETE skills/marketplace/<skill> : {ADMINS}
POST skills/marketplace/<skill>/install : {ADMINS}
POST skills/marketplace/<skill>/scan : {ADMINS}
POST skills/marketplace/<skill>/uninstall : {ADMINS}
GET skills/packs : {HEADS} read_token write_token
POST skills/packs : {HEADS}
GET skills/packs/<pack> : {ADMIN_READ}
PATCH skills/packs/<pack> : {ADMINS}
DELETE skills/packs/<pack> : {ADMINS}
POST skills/packs/<pack>/sync : {ADMINS}
POST agent/skills/<skill>/state :
GET usage : {PEOPLE}
GET agents/discover : {ADMIN_READ}
POST agents/link : owner
POST agents/<agent>/unlink : owner
POST gateways/<gateway>/templates/preview : {ADMINS}
GET gateways/<gateway>/templates/syncs : {ADMIN_READ}
POST gateways/<gateway>/templates/syncs : {ADMINS}
GET gateways/<gateway>/templates/syncs/<sync> : {ADMIN_READ}
GET agents/<agent>/usage : {BOARD_READ} admin
GET agents/<agent>/sessions : {ADMIN_READ}
GET agents/<agent>/sessions/<key>/history :
POST agent/usage : {AGENTS}
GET budgets : {HEADS} read_token write_token
POST budgets : {HEADS}
GET budgets/<budget> : {ADMIN_READ}
PATCH budgets/<budget> : {ADMINS}
DELETE budgets/<budget> : {ADMINS}
GET souls-directory/search : {PEOPLE} {AGENTS}
GET souls-directory/<handle>/<slug>.md : {PEOPLE} {AGENTS}
GET souls-directory/<handle>/<slug> : {PEOPLE} {AGENTS}
GET agent/boards : {AGENTS}
GET agent/boards/<board> : worker lead main
GET agent/boards/<board>/tasks : worker lead main
POST agent/boards/<board>/tasks : lead
GET agent/boards/<board>/tasks/<task> : worker lead main
PATCH agent/boards/<board>/tasks/<task> : worker lead
DELETE agent/boards/<board>/tasks/<task> : lead
GET agent/boards/<board>/tasks/<task>/comments : worker lead main
POST agent/boards/<board>/tasks/<task>/comments : worker lead main
GET agent/boards/<board>/approvals : worker lead main
POST agent/boards/<board>/approvals : worker lead main
GET boards/<board>/memory : {READERS}
POST boards/<board>/memory : {WRITERS} worker lead main
PUT boards/<board>/memory/<key> : {WRITERS} worker lead main
GET boards/<board>/group-memory : {READERS}
POST boards/<board>/group-memory : {WRITERS} worker lead main
GET agent/boards/<board>/memory : worker lead main
POST agent/boards/<board>/memory : worker lead main
GET board-groups/<group>/memory : {BOARD_READ}
POST board-groups/<group>/memory : {WRITERS}
POST board-groups/<group>/heartbeat : owner lead
GET activity/stream : {PEOPLE} {AGENTS}
GET activity/task-comments/stream : {PEOPLE}
GET agents/stream : {PEOPLE} {AGENTS}
GET boards/<board>/tasks/stream : {READERS}
GET boards/<board>/approvals/stream : {READERS}
GET boards/<board>/memory/stream : {READERS}
GET boards/<board>/group-memory/stream : {READERS}
GET board-groups/<group>/memory/stream : {BOARD_READ}
GET agent/healthz : {AGENTS}
POST agent/heartbeat : {AGENTS}
GET agent/agents : {AGENTS}
POST agent/agents : lead other_agent
DELETE agent/boards/<board>/agents/<agent> : lead
POST agent/boards/<board>/agents/<agent>/nudge : lead
GET agent/boards/<board>/agents/<agent>/soul : worker lead
PUT agent/boards/<board>/agents/<agent>/soul : lead
POST agent/boards/<board>/gateway/main/ask-user : lead
POST agent/gateway/boards/<board>/lead/message : main
POST agent/gateway/leads/broadcast : main
POST agent/executions/<execution> : worker
"""


def rows() -> list[Row]:
    """The table, parsed."""
    return parse(ROWS)
