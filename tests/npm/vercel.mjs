// Asks by the AI SDK of Vercel, through each of its two providers, and prints how it went.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, streamText } from "ai";
import { z } from "zod";

const { BASE_URL, TOKEN, AGENTS } = process.env;
const openai = createOpenAI({ baseURL: BASE_URL, apiKey: TOKEN });
const compatible = createOpenAICompatible({
  name: "agentos",
  baseURL: BASE_URL,
  apiKey: TOKEN,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const models = { responses: openai, chat: openai.chat, compatible };
const prompt = "Hello there";
const settings = { maxRetries: 0 };

const generated = async (model) => {
  const { text, reasoningText, finishReason, usage } = await generateText({ model, prompt, system: "Be brief.", ...settings });
  return { text, thoughts: reasoningText ?? "", finish: finishReason, tokens: usage.totalTokens };
};

const streamed = async (model) => {
  const result = streamText({ model, prompt, ...settings, onError: () => {} });
  let [text, thoughts, failed] = ["", "", null];
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") text += part.text;
    if (part.type === "reasoning-delta") thoughts += part.text;
    if (part.type === "error") failed = part.error;
  }
  if (failed) throw failed;
  return { text, thoughts, finish: await result.finishReason, tokens: (await result.totalUsage).totalTokens };
};

// The second turn names what was said in the first by its ids, where the SDK knows some.
const goneOn = async (model) => {
  const asked = [{ role: "user", content: prompt }];
  const first = await generateText({ model, messages: asked, ...settings });
  const messages = [...asked, ...first.response.messages, { role: "user", content: "And?" }];
  const second = await generateText({ model, messages, ...settings });
  return { text: second.text, more: second.usage.inputTokens - first.usage.inputTokens };
};

const structured = async (model) => {
  const output = Output.object({ schema: z.object({ a: z.number() }) });
  return (await generateText({ model, prompt: '{"a": 7}', output, ...settings })).output;
};

async function tried(work, model) {
  try {
    return await work(model);
  } catch (error) {
    const body = JSON.stringify(error?.data ?? error?.responseBody ?? error?.message ?? error);
    return { failed: body, status: error?.statusCode ?? null };
  }
}

const ways = { generated, streamed, goneOn };
const found = {};
for (const [provider, of] of Object.entries(models)) {
  const results = AGENTS.split(",").map(async (name) => {
    const done = await Promise.all(Object.entries(ways).map(async ([way, work]) => [way, await tried(work, of(name))]));
    return [name, Object.fromEntries(done)];
  });
  found[provider] = Object.fromEntries(await Promise.all(results));
  found[provider].structured = await tried(structured, of("echo"));
}
console.log(JSON.stringify(found));
