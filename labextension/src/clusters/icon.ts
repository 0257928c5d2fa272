import { LabIcon } from '@jupyterlab/ui-components';

/**
 * One that leads and three that work.
 */
export const clustersIcon = new LabIcon({
  name: 'sandlot:clusters',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">
  <g class="jp-icon3" fill="#616161">
    <circle cx="12" cy="5" r="3" />
    <circle cx="4.5" cy="18" r="2.5" />
    <circle cx="12" cy="18" r="2.5" />
    <circle cx="19.5" cy="18" r="2.5" />
    <path d="M11.25 7h1.5v9h-1.5zM4 16v-4.75h16V16h-1.5v-3.25h-13V16z" />
  </g>
</svg>`
});
