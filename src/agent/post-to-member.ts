import http from 'node:http';
import https from 'node:https';

/** Characters: far above any answer of an agent. */
const ANSWER_MAX = 64 * 1024;

/** One POST of an agent to another member's. Rejects with the network's error, and where the answer has no end. */
export function post(
  secure: boolean,
  options: https.RequestOptions,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const request = (secure ? https : http).request(options, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_MAX) response.destroy(new Error('the answer has no end'));
    });
    response.on('error', reject);
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
  });
  request.on('error', reject);
  request.end(body);
  return promise;
}
