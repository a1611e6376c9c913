// Passkeys: <mc-passkey-new> adds one on the settings page, <mc-passkey-sign-in> signs in with one.
// The server says what to ask the device for; bytes travel as base64url.

function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function toText(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function withBytes(options) {
  const listed = (rows = []) => rows.map((row) => ({ ...row, id: toBytes(row.id) }));
  return {
    ...options,
    challenge: toBytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: toBytes(options.user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: listed(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: listed(options.allowCredentials) }),
  };
}

function answerOf(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function ask(path, body, csrf) {
  const answer = await fetch(`/api/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(csrf && { "X-CSRFToken": csrf }) },
    body: JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail);
  return found;
}

class Ceremony extends HTMLElement {
  async run(steps) {
    const fault = this.querySelector("[role=alert]");
    const button = this.querySelector("button");
    fault.hidden = true;
    button.disabled = true;
    try {
      await steps();
    } catch (error) {
      // What the device says is in its own words and the browser's language; ours says what to do.
      if (!(error instanceof DOMException) && error.message) {
        this.querySelector("[data-mc-fault]").textContent = error.message;
      }
      fault.hidden = false;
    }
    button.disabled = false;
  }
}

customElements.define(
  "mc-passkey-new",
  class extends Ceremony {
    connectedCallback() {
      this.querySelector("form").addEventListener("submit", (event) => {
        event.preventDefault();
        const name = new FormData(event.target).get("name");
        this.run(async () => {
          const csrf = this.dataset.csrf;
          const { publicKey } = await ask("users/me/passkeys/options", {}, csrf);
          const made = await navigator.credentials.create({ publicKey: withBytes(publicKey) });
          await ask("users/me/passkeys", { name, credential: answerOf(made) }, csrf);
          location.assign("/settings/security#passkeys");
          location.reload();
        });
      });
    }
  },
);

customElements.define(
  "mc-passkey-sign-in",
  class extends Ceremony {
    connectedCallback() {
      if (!window.PublicKeyCredential) return;
      this.hidden = false;
      this.querySelector("button").addEventListener("click", () => {
        this.run(async () => {
          const { publicKey } = await ask("auth/passkey/options", {});
          const found = await navigator.credentials.get({ publicKey: withBytes(publicKey) });
          await ask("auth/passkey", { credential: answerOf(found) });
          location.assign(this.dataset.next);
        });
      });
    }
  },
);
