// The sign-in page: a password that can be looked at, and an error that goes when one mends what was wrong.
(() => {
  const form = document.getElementById("sign-in");
  const button = document.getElementById("show-password");
  const password = document.getElementById(button.getAttribute("aria-controls"));

  function show(shown) {
    password.type = shown ? "text" : "password";
    button.querySelector("span").textContent = shown ? button.dataset.shown : button.dataset.hidden;
  }
  button.addEventListener("click", () => {
    show(password.type === "password");
    password.focus();
  });
  // What is sent is no text field: a browser would offer it again.
  form.addEventListener("submit", () => show(false));

  form.addEventListener("input", ({ target }) => {
    const own = target.closest(".field").querySelector(".error");
    for (const error of [own, document.getElementById("sign-in-error")]) error?.remove();
    target.removeAttribute("aria-invalid");
    target.removeAttribute("aria-describedby");
  });
})();
