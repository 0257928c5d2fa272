import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';

import { ClustersView } from '../view';
import type { setup } from './fixtures';

export async function show(
  world: ReturnType<typeof setup>
): Promise<HTMLElement> {
  await world.model.refresh();
  const { container } = render(<ClustersView context={world.context} />);
  return container;
}

export async function click(name: RegExp | string): Promise<void> {
  await act(async () => {
    fireEvent.click(screen.getByRole('button', { name }));
    await Promise.resolve();
  });
}
