// Asks every agent by each helper of the openai package, and prints how it went: {agent: {helper: {text, code, ...}}}.
import OpenAI from "openai";

const { BASE_URL, TOKEN, AGENTS } = process.env;
const client = new OpenAI({ baseURL: BASE_URL, apiKey: TOKEN, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello there" }];
const tools = [
  { type: "function", function: { name: "never", description: "Of the client's own.", parameters: {}, parse: JSON.parse, function: () => "x" } },
];

async function created(model) {
  const answer = await client.chat.completions.create({ model, messages });
  return { text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason };
}

async function streamed(model) {
  const stream = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
  let [pieces, thoughts, events] = ["", "", []];
  stream.on("content", (delta) => (pieces += delta));
  stream.on("chunk", (chunk) => {
    thoughts += chunk.choices[0]?.delta.reasoning_content ?? "";
    events.push(...(chunk.choices[0]?.delta.agent_events ?? []));
  });
  const choice = (await stream.finalChatCompletion()).choices[0];
  const usage = await stream.totalUsage();
  return { text: choice.message.content ?? "", pieces, thoughts, events, finish: choice.finish_reason, tokens: usage.total_tokens };
}

async function withTools(model, stream) {
  const runner = client.chat.completions.runTools({ model, messages, tools, stream });
  return { text: await runner.finalContent(), calls: (await runner.finalFunctionToolCall()) ?? null };
}

async function responded(model) {
  return { text: (await client.responses.create({ model, input: "Hello there" })).output_text };
}

async function respondedStreamed(model) {
  const stream = client.responses.stream({ model, input: "Hello there" });
  let pieces = "";
  stream.on("response.output_text.delta", (event) => (pieces += event.delta));
  const final = await stream.finalResponse();
  return { text: final.output_text, pieces, tokens: final.usage.total_tokens };
}

const helpers = { responded, respondedStreamed, created, streamed, runTools: (model) => withTools(model, false), runToolsStreamed: (model) => withTools(model, true) };

async function tried(helper, model) {
  try {
    return await helper(model);
  } catch (error) {
    return { code: error.code ?? null, status: error.status ?? null, name: error.constructor.name, message: error.message };
  }
}

const found = await Promise.all(
  AGENTS.split(",").map(async (model) => {
    const results = await Promise.all(Object.entries(helpers).map(async ([name, helper]) => [name, await tried(helper, model)]));
    return [model, Object.fromEntries(results)];
  }),
);
console.log(JSON.stringify(Object.fromEntries(found)));
