"""Who may open and send what of the pages, and of what stands beside them.

A row names the callers that get further than the way to sign in, 403 or 404. ``ANY`` is an address
that takes every method. ``*`` is open to everybody, signed in or not.
"""

from __future__ import annotations

from tests.matrix.table import Row, parse

#: Everybody with an account; those who read and who write on board A1; admins of A; and admins
#: of the organization in which they work.
PEOPLE = "outsider guest stranger reader writer admin owner"
READERS = "reader writer owner"
WRITERS = "writer owner"
ADMINS = "admin owner"
HEADS = "guest stranger admin owner"

ROWS = f"""
ANY /health : *
ANY /healthz : *
ANY /readyz : *
ANY /metrics :
GET /openapi.json : *
GET /docs : *
GET /sign-in : *
POST /sign-in : *
GET /sign-in/link/<code> : *
GET /sign-in/code : *
POST /sign-in/code : *
GET /sign-in/oidc : *
GET /sign-in/oidc/return : *
GET /sign-in/clerk : *
GET /sign-in/clerk/return : *
POST /sign-out : *
GET /settings/security : {PEOPLE}
GET /settings/security/code : {PEOPLE}
POST /settings/security/code : {PEOPLE}
POST /settings/security/code/confirm : {PEOPLE}
POST /settings/security/code/renew : {PEOPLE}
POST /settings/security/code/off : {PEOPLE}
POST /settings/security/passkeys/<passkey>/remove : owner
POST /settings/security/sessions/<session>/end : owner
POST /settings/security/sessions/end : {PEOPLE}
GET /settings : {PEOPLE}
GET /onboarding : {PEOPLE}
POST /onboarding : {PEOPLE}
POST /settings/profile : {PEOPLE}
POST /settings/appearance : {PEOPLE}
POST /settings/password : {PEOPLE}
POST /settings/tokens : {PEOPLE}
POST /settings/tokens/<token>/revoke : owner
GET /settings/delete-account : {PEOPLE}
POST /settings/delete-account : {PEOPLE}
GET /notifications : {PEOPLE}
GET /notifications/bell : {PEOPLE}
POST /notifications/read : {PEOPLE}
GET /notifications/<notification>/open : owner
GET /settings/notifications : {PEOPLE}
POST /settings/notifications/quiet : {PEOPLE}
POST /settings/notifications/channels : {PEOPLE}
GET /settings/notifications/channels/<channel> : owner
POST /settings/notifications/channels/<channel> : owner
POST /settings/notifications/channels/<channel>/test : owner
POST /settings/notifications/channels/<channel>/delete : owner
GET /invite : *
POST /invite : *
POST /invite/register : *
GET /organization : {PEOPLE}
GET /organization/access : {HEADS}
GET /organization/members/<member> : {ADMINS} reader
POST /organization/members/<member>/role : {ADMINS}
POST /organization/members/<member>/access : {ADMINS}
POST /organization/members/<member>/remove : {ADMINS}
GET /organization/invites/new : {HEADS}
POST /organization/invites/new : {HEADS}
POST /organization/invites/<invite>/link : {ADMINS}
POST /organization/invites/<invite>/revoke : {ADMINS}
GET /organization/new : {PEOPLE}
POST /organization/new : {PEOPLE}
GET /organization/edit : {PEOPLE}
POST /organization/edit : {HEADS}
POST /organization/leave : {PEOPLE}
GET /organization/delete : guest stranger owner
POST /organization/delete : guest stranger owner
POST /organization/switch : outsider guest reader writer admin owner
GET /activity : {PEOPLE}
GET /organization/webhooks : {HEADS}
GET /organization/webhooks/new : {HEADS}
POST /organization/webhooks/new : {HEADS}
GET /organization/webhooks/<endpoint> : {ADMINS}
GET /organization/webhooks/<endpoint>/edit : {ADMINS}
POST /organization/webhooks/<endpoint>/edit : {ADMINS}
POST /organization/webhooks/<endpoint>/rotate-secret : {ADMINS}
POST /organization/webhooks/<endpoint>/test : {ADMINS}
POST /organization/webhooks/<endpoint>/delete : {ADMINS}
POST /organization/webhooks/<endpoint>/deliveries/<sent>/replay : {ADMINS}
GET /approvals : {PEOPLE}
GET /boards/<board>/approvals : {READERS}
GET /approvals/count : {PEOPLE}
POST /approvals/<approval>/decide : writer owner
POST /approvals/<decided>/reopen : owner
POST /approvals/<approval>/withdraw : owner
GET /gateways : {HEADS}
GET /gateways/new : {HEADS}
POST /gateways/new : {HEADS}
POST /gateways/test : {HEADS}
GET /gateways/versions : {HEADS}
POST /gateways/cleanups/<cleanup>/discard : {ADMINS}
GET /gateways/<gateway> : {ADMINS}
GET /gateways/<gateway>/body : {ADMINS}
GET /gateways/<gateway>/state : {ADMINS}
GET /gateways/<gateway>/edit : {ADMINS}
POST /gateways/<gateway>/edit : {ADMINS}
POST /gateways/<gateway>/test : {ADMINS}
GET /gateways/<gateway>/sessions : {ADMINS}
GET /gateways/<gateway>/session : {ADMINS}
POST /gateways/<gateway>/session : {ADMINS}
GET /gateways/<gateway>/inventory : {ADMINS}
GET /gateways/<gateway>/log : {ADMINS}
GET /gateways/<gateway>/device : {ADMINS}
POST /gateways/<gateway>/device : {ADMINS}
POST /gateways/<gateway>/default : {ADMINS}
POST /gateways/<gateway>/check : {ADMINS}
POST /gateways/<gateway>/policy : {ADMINS}
GET /gateways/<gateway>/delete : {ADMINS}
POST /gateways/<gateway>/delete : {ADMINS}
GET /boards : {PEOPLE}
GET /boards/new : {HEADS}
POST /boards/new : {HEADS}
GET /boards/<board> : {READERS}
GET /boards/<board>/columns : {READERS}
GET /boards/<board>/edit : {WRITERS}
POST /boards/<board>/edit : {WRITERS}
GET /boards/<board>/delete : owner
POST /boards/<board>/delete : owner
POST /boards/<board>/pause : {WRITERS}
GET /boards/<board>/tasks/new : {WRITERS}
POST /boards/<board>/tasks/new : {WRITERS}
GET /boards/<board>/tasks/<task>/panel : {READERS}
GET /boards/<board>/tasks/<task>/body : {READERS}
GET /boards/<board>/tasks/<task>/card : {READERS}
POST /boards/<board>/tasks/<task>/move : {WRITERS}
POST /boards/<board>/tasks/<task>/facts : {WRITERS}
GET /boards/<board>/tasks/<task>/edit : {WRITERS}
POST /boards/<board>/tasks/<task>/edit : {WRITERS}
GET /boards/<board>/tasks/<task>/delete : {WRITERS}
POST /boards/<board>/tasks/<task>/delete : {WRITERS}
POST /boards/<board>/tasks/<task>/comments : {WRITERS}
GET /boards/<board>/chat : {READERS}
POST /boards/<board>/chat : {WRITERS}
GET /boards/<board>/chat/messages : {READERS}
GET /boards/<board>/memory : {READERS}
POST /boards/<board>/memory : {WRITERS}
GET /board-groups/<group>/chat : {READERS}
POST /board-groups/<group>/chat : {WRITERS}
GET /board-groups/<group>/chat/messages : {READERS}
GET /board-groups/<group>/memory : {READERS}
POST /board-groups/<group>/memory : {WRITERS}
GET /boards/<board>/webhooks : {READERS}
GET /boards/<board>/webhooks/new : {WRITERS}
POST /boards/<board>/webhooks/new : {WRITERS}
GET /boards/<board>/webhooks/<webhook>/edit : {WRITERS}
POST /boards/<board>/webhooks/<webhook>/edit : {WRITERS}
GET /boards/<board>/webhooks/<webhook>/delete : {WRITERS}
POST /boards/<board>/webhooks/<webhook>/delete : {WRITERS}
GET /boards/<board>/webhooks/<webhook>/payloads : {READERS}
GET /boards/<board>/webhooks/<webhook>/payloads/<payload> : {READERS}
POST /boards/<board>/webhooks/<webhook>/payloads/<payload>/redeliver : {WRITERS}
GET /boards/<board>/list : {READERS}
POST /boards/<board>/tasks/bulk : {WRITERS}
GET /boards/<board>/tasks/search : {READERS}
GET /boards/<board>/tasks/<task>/needs : {READERS}
POST /boards/<board>/tasks/<task>/needs : {WRITERS}
POST /boards/<board>/tasks/<task>/tags : {WRITERS}
GET /boards/<board>/tasks/<task>/relocate : {WRITERS}
POST /boards/<board>/tasks/<task>/relocate : {WRITERS}
POST /boards/<board>/tasks/<task>/ask : {WRITERS}
POST /boards/<board>/tasks/<task>/comments/<comment>/edit : owner
POST /boards/<board>/tasks/<task>/comments/<comment>/delete : owner
GET /tags : {PEOPLE}
GET /tags/new : {HEADS}
POST /tags/new : {HEADS}
GET /tags/<tag>/edit : {ADMINS}
POST /tags/<tag>/edit : {ADMINS}
GET /tags/<tag>/delete : {ADMINS}
POST /tags/<tag>/delete : {ADMINS}
GET /custom-fields : {PEOPLE}
GET /custom-fields/new : {HEADS}
POST /custom-fields/new : {HEADS}
GET /custom-fields/<field>/edit : {ADMINS}
POST /custom-fields/<field>/edit : {ADMINS}
GET /custom-fields/<field>/delete : {ADMINS}
POST /custom-fields/<field>/delete : {ADMINS}
GET /board-groups : {PEOPLE}
GET /board-groups/new : {HEADS}
POST /board-groups/new : {HEADS}
GET /board-groups/<group> : {READERS}
GET /board-groups/<group>/edit : owner
POST /board-groups/<group>/edit : owner
GET /board-groups/<group>/delete : owner
POST /board-groups/<group>/delete : owner
GET /agents : {PEOPLE}
GET /agents/new : {HEADS}
POST /agents/new : {HEADS}
GET /agents/on-gateway/<gateway> : {ADMINS}
GET /agents/on-board/<board> : {READERS}
GET /agents/<agent> : {ADMINS} reader writer
GET /agents/<agent>/body : {ADMINS} reader writer
GET /agents/<agent>/state : {ADMINS} reader writer
GET /agents/<agent>/sign : {ADMINS} reader writer
GET /agents/<agent>/edit : owner
POST /agents/<agent>/edit : owner
POST /agents/<agent>/wake : {ADMINS}
POST /agents/<agent>/retry : {ADMINS}
POST /agents/<agent>/pause : {ADMINS}
POST /agents/<agent>/resume : {ADMINS}
POST /agents/<agent>/rotate-token : {ADMINS}
GET /agents/<agent>/delete : owner
POST /agents/<agent>/delete : owner
GET /agents/<agent>/files : {ADMINS}
GET /agents/<agent>/files/<name> : {ADMINS}
POST /agents/<agent>/files/<name> : {ADMINS}
GET /board-groups/<group>/heartbeat : {READERS}
POST /board-groups/<group>/heartbeat : owner
GET /skills/marketplace : {HEADS}
GET /skills/marketplace/new : {HEADS}
POST /skills/marketplace/new : {HEADS}
GET /skills/marketplace/<skill> : {ADMINS}
GET /skills/marketplace/<skill>/look : {ADMINS}
POST /skills/marketplace/<skill>/scan : {ADMINS}
GET /skills/marketplace/<skill>/look : {ADMINS}
POST /skills/marketplace/<skill>/scan : {ADMINS}
POST /skills/marketplace/<skill>/install : {ADMINS}
POST /skills/marketplace/<skill>/uninstall : {ADMINS}
POST /skills/marketplace/<skill>/delete : {ADMINS}
GET /gateways/<gateway>/discover : {ADMINS}
POST /gateways/<gateway>/discover : {ADMINS}
POST /agents/<agent>/unlink : owner
GET /gateways/<gateway>/syncs/<sync> : {ADMINS}
GET /gateways/<gateway>/syncs/<sync>/body : {ADMINS}
GET /usage : {PEOPLE}
GET /usage/budgets/new : {HEADS}
POST /usage/budgets/new : {HEADS}
GET /usage/budgets/<budget>/edit : {ADMINS}
POST /usage/budgets/<budget>/edit : {ADMINS}
POST /usage/budgets/<budget>/delete : {ADMINS}
GET /agents/<agent>/usage : {ADMINS} reader writer
GET /agents/<agent>/sessions : {ADMINS}
GET /agents/<agent>/session : {ADMINS}
GET /souls : {PEOPLE}
GET /souls/<handle>/<slug> : {PEOPLE}
GET /skills/packs : {HEADS}
GET /skills/packs/new : {HEADS}
POST /skills/packs/new : {HEADS}
GET /skills/packs/<pack> : {ADMINS}
GET /skills/packs/<pack>/body : {ADMINS}
GET /skills/packs/<pack>/edit : {ADMINS}
POST /skills/packs/<pack>/edit : {ADMINS}
POST /skills/packs/<pack>/sync : {ADMINS}
POST /skills/packs/<pack>/delete : {ADMINS}
GET /gateways/<gateway>/sync : {ADMINS}
POST /gateways/<gateway>/sync : {ADMINS}
GET /runs : {PEOPLE}
POST /boards/<board>/tasks/<task>/run : {WRITERS}
POST /boards/<board>/tasks/<task>/run/cancel : {WRITERS}
GET /boards/<board>/onboarding : {READERS}
POST /boards/<board>/onboarding/start : {WRITERS}
POST /boards/<board>/onboarding/answer : {WRITERS}
POST /boards/<board>/onboarding/cancel : {WRITERS}
GET /boards/<board>/onboarding/confirm : {WRITERS}
POST /boards/<board>/onboarding/confirm : {WRITERS}
GET / : *
GET /dashboard : {PEOPLE}
GET /jobs : {HEADS}
POST /jobs/<job>/retry :
POST /jobs/<job>/delete :
POST /jobs/parked/<delivery>/retry : {ADMINS}
"""


def rows() -> list[Row]:
    """The table, parsed."""
    return parse(ROWS)
