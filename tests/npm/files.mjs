// Sends a picture and a file to an agent, and reads the sources of another's answers back by each helper of the openai package.
import OpenAI from "openai";

const { BASE_URL, TOKEN, AGENT, SEARCH, PARTS } = process.env;
const client = new OpenAI({ baseURL: BASE_URL, apiKey: TOKEN, maxRetries: 0 });
const parts = JSON.parse(PARTS);
const asked = { model: AGENT, messages: [{ role: "user", content: SEARCH }] };
const searched = { model: AGENT, input: SEARCH };

const inputs = parts.map((part) => {
  if (part.type === "text") return { type: "input_text", text: part.text };
  if (part.type === "image_url") return { type: "input_image", image_url: part.image_url.url, detail: "auto" };
  return { type: "input_file", ...part.file };
});

const ofMessage = ({ content, annotations }) => ({ text: content, annotations: annotations ?? [] });
const ofResponse = ({ output }) => {
  const { text, annotations } = output.find((item) => item.type === "message").content[0];
  return { text, annotations };
};

const given = await client.chat.completions.create({ model: "given", messages: [{ role: "user", content: parts }] });
const responded = await client.responses.create({ model: "given", input: [{ role: "user", content: inputs }] });
const cited = {
  created: ofMessage((await client.chat.completions.create(asked)).choices[0].message),
  streamed: ofMessage((await client.chat.completions.stream(asked).finalChatCompletion()).choices[0].message),
  responded: ofResponse(await client.responses.create(searched)),
  respondedStreamed: ofResponse(await client.responses.stream(searched).finalResponse()),
};
console.log(JSON.stringify({ given: given.choices[0].message.content, responded: responded.output_text, cited }));
