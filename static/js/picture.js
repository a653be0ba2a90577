/* Makes a chosen picture small before it is sent: what a phone takes is larger than the server wants. What cannot be read here goes as it is. */
document.addEventListener("change", async (event) => {
  const input = event.target.closest("#picture");
  const file = input?.files[0];
  if (!file) return;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, 512 / Math.min(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const small = await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
    const chosen = new DataTransfer();
    chosen.items.add(new File([small], "picture.webp", { type: small.type }));
    if (input.files[0] === file && small.size < file.size) input.files = chosen.files;
  } catch {
    /* The server says what is wrong with it. */
  }
});
