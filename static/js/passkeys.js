// Forms that ask the browser's keeper of passkeys: data-passkey is "create" or "get". What it is asked is in data-options, or behind the
// address of data-options-url.
(() => {
  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  function asked(options) {
    const key = options.publicKey;
    key.challenge = toBytes(key.challenge);
    if (key.user) key.user.id = toBytes(key.user.id);
    for (const list of [key.allowCredentials, key.excludeCredentials]) for (const each of list || []) each.id = toBytes(each.id);
    return { publicKey: key };
  }

  function told(credential) {
    const { response } = credential;
    const found = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (response[name]) found[name] = toText(response[name]);
    if (response.getTransports) found.transports = response.getTransports();
    return {
      type: credential.type,
      id: credential.id,
      rawId: toText(credential.rawId),
      response: found,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  }

  async function ask(form) {
    const url = form.dataset.optionsUrl;
    const data = url ? await (await fetch(url)).json() : JSON.parse(form.dataset.options);
    if (form.dataset.passkey === "get") return navigator.credentials.get(asked(data.request_options));
    const options = asked(data.creation_options);
    Object.assign(options.publicKey.authenticatorSelection, { residentKey: "required", requireResidentKey: true, userVerification: "required" });
    return navigator.credentials.create(options);
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const failed = form.querySelector("[data-failed]");
      failed.hidden = true;
      try {
        form.elements.credential.value = JSON.stringify(told(await ask(form)));
      } catch {
        failed.hidden = false;
        return;
      }
      form.submit();
    });
  }
})();
